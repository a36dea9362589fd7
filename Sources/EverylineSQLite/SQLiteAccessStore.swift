package import Everyline
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// API keys and stream tokens, found by their hash.
package struct SQLiteAccessStore: AccessStore {
    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    package func add(_ key: APIKey) async throws {
        try await database.write { db in
            do {
                try db.execute(
                    sql: "INSERT INTO api_key (id, user, role, hash, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, ?)",
                    arguments: [
                        key.id, key.user.rawValue, key.role.rawValue, Data(key.hash.bytes),
                        key.createdAt.milliseconds, key.revokedAt?.milliseconds,
                    ])
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                throw AccessStoreError.duplicateKey
            }
        }
    }

    package func keys() async throws -> [APIKey] {
        try await database.read { db in
            // A key whose row is damaged is none; the doctor names it.
            try Row.fetchAll(db, sql: "SELECT * FROM api_key ORDER BY created_ms, id").compactMap {
                try? APIKey(row: $0)
            }
        }
    }

    package func key(_ hash: SecretHash) async throws -> APIKey? {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT * FROM api_key WHERE hash = ? AND revoked_ms IS NULL")
            let row = try Row.fetchOne(statement, arguments: [Data(hash.bytes)])
            // The index finds by the hash of what was shown, of which nothing can be learnt by its timing; the comparison
            // that decides is the constant-time one.
            return row.flatMap { try? APIKey(row: $0) }.flatMap { $0.hash == hash ? $0 : nil }
        }
    }

    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE api_key SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?",
                arguments: [now.milliseconds, id])
            guard db.changesCount > 0 else { throw AccessStoreError.unknownKey }
        }
    }

    package func add(_ token: StreamToken) async throws {
        let (offset, time): (Int64?, Int64?) =
            switch token.start {
            case .after(let offset): (Int64(offset.rawValue), nil)
            case .notOlderThan(let time): (nil, time.milliseconds)
            }
        try await database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO stream_token (hash, execution, user, key, start_after, start_ms, expires_ms)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(token.hash.bytes), token.execution.rawValue, token.user.rawValue, token.key, offset, time,
                    token.expiresAt.milliseconds,
                ])
        }
    }

    package func streamToken(_ hash: SecretHash, at now: Timestamp) async throws -> StreamToken? {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT stream_token.* FROM stream_token JOIN api_key ON api_key.id = stream_token.key
                    WHERE stream_token.hash = ? AND expires_ms > ? AND revoked_ms IS NULL
                    """)
            let row = try Row.fetchOne(statement, arguments: [Data(hash.bytes), now.milliseconds])
            return row.flatMap { try? StreamToken(row: $0) }.flatMap { $0.hash == hash ? $0 : nil }
        }
    }

    package func removeStreamTokens(expiredAt now: Timestamp) async throws {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM stream_token WHERE expires_ms <= ?", arguments: [now.milliseconds])
        }
    }
}

extension APIKey {
    /// - Throws: ``LogStoreError/damaged(_:)``.
    init(row: Row) throws {
        guard let user = UserID(try row.stored("user", as: String.self)),
            let role = Role(rawValue: try row.stored("role"))
        else { throw LogStoreError.damaged("An API key's row") }
        self.init(
            id: try row.stored("id"), user: user, role: role, hash: try SecretHash(stored: row.stored("hash")),
            createdAt: try Timestamp(stored: row.stored("created_ms")),
            revokedAt: try row.storedIfAny("revoked_ms").map(Timestamp.init(stored:)))
    }
}

extension StreamToken {
    fileprivate init(row: Row) throws {
        guard let execution = ExecutionID(try row.stored("execution", as: String.self)),
            let user = UserID(try row.stored("user", as: String.self))
        else { throw LogStoreError.damaged("A stream token's row") }
        let time = try row.storedIfAny("start_ms").map(Timestamp.init(stored:))
        self.init(
            hash: try SecretHash(stored: row.stored("hash")), execution: execution, user: user,
            key: try row.stored("key"),
            start: try time.map(StreamStart.notOlderThan) ?? .after(Offset(stored: row.stored("start_after"))),
            expiresAt: try Timestamp(stored: row.stored("expires_ms")))
    }
}
