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
            try Row.fetchAll(db, sql: "SELECT * FROM api_key ORDER BY created_ms, id").map(APIKey.init(row:))
        }
    }

    package func key(_ hash: SecretHash) async throws -> APIKey? {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT * FROM api_key WHERE hash = ? AND revoked_ms IS NULL")
            let row = try Row.fetchOne(statement, arguments: [Data(hash.bytes)])
            // The index finds by the hash of what was shown, of which nothing can be learnt by its timing; the comparison
            // that decides is the constant-time one.
            return try row.map(APIKey.init(row:)).flatMap { $0.hash == hash ? $0 : nil }
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
            return try row.map(StreamToken.init(row:)).flatMap { $0.hash == hash ? $0 : nil }
        }
    }

    package func removeStreamTokens(expiredAt now: Timestamp) async throws {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM stream_token WHERE expires_ms <= ?", arguments: [now.milliseconds])
        }
    }
}

extension APIKey {
    fileprivate init(row: Row) throws {
        guard let user = UserID(row["user"] as String), let role = Role(rawValue: row["role"]) else {
            throw LogStoreError.unavailable("an API key's row is damaged")
        }
        self.init(
            id: row["id"], user: user, role: role, hash: try SecretHash(stored: row["hash"]),
            createdAt: Timestamp(milliseconds: row["created_ms"]),
            revokedAt: (row["revoked_ms"] as Int64?).map(Timestamp.init(milliseconds:)))
    }
}

extension StreamToken {
    fileprivate init(row: Row) throws {
        guard let execution = ExecutionID(row["execution"] as String), let user = UserID(row["user"] as String) else {
            throw LogStoreError.unavailable("a stream token's row is damaged")
        }
        let time = (row["start_ms"] as Int64?).map(Timestamp.init(milliseconds:))
        self.init(
            hash: try SecretHash(stored: row["hash"]), execution: execution, user: user, key: row["key"],
            start: time.map(StreamStart.notOlderThan) ?? .after(Offset(row["start_after"] as UInt64)),
            expiresAt: Timestamp(milliseconds: row["expires_ms"]))
    }
}
