package import Everyline
import GRDB
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// API keys, found by their hash, and the secrets that stream tokens are sealed with. A token itself leaves no row.
package final class SQLiteAccessStore: AccessStore {
    private let database: SQLiteDatabase
    /// The secrets that were used lately: a token is issued and read without the database.
    private let seals = Mutex<[StoredSeal]>([])
    private static let sealLimit = 16
    /// How long new tokens are sealed with one secret: who gets hold of an old copy of the database can't make tokens.
    private static let rotation: Duration = .seconds(24 * 60 * 60)

    fileprivate struct StoredSeal: Sendable {
        let seal: StreamTokenSeal
        let createdAt: Timestamp
    }

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
            // The index finds by the hash of what was shown, of which nothing can be learnt by its timing; the
            // comparison that decides is the constant-time one.
            return row.flatMap { try? APIKey(row: $0) }.flatMap { $0.hash == hash ? $0 : nil }
        }
    }

    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        try await database.write { db in
            let valid = try String.fetchAll(
                db, sql: "SELECT id FROM api_key WHERE role = ? AND revoked_ms IS NULL",
                arguments: [Role.admin.rawValue])
            guard valid != [id] else { throw AccessStoreError.lastAdministrator }
            try db.execute(
                sql: "UPDATE api_key SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?",
                arguments: [now.milliseconds, id])
            guard db.changesCount > 0 else { throw AccessStoreError.unknownKey }
        }
    }

    package func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret {
        if let newest = seals.withLock({ $0.last }), now < newest.createdAt + Self.rotation {
            return newest.seal.seal(token)
        }
        let lifetime = token.expiresAt - now
        let newest = try await database.write { db in
            let newest = try Row.fetchOne(db, sql: "SELECT * FROM stream_token ORDER BY number DESC LIMIT 1")
            if let newest = try newest.map(StoredSeal.init(row:)), now < newest.createdAt + Self.rotation {
                return newest
            }
            // Nothing that was sealed with them is good any more.
            let last = now.milliseconds - (Self.rotation + lifetime).milliseconds
            try db.execute(sql: "DELETE FROM stream_token WHERE created_ms < ?", arguments: [last])
            var generator = SystemGenerator()
            let secret = Data(
                (0..<StreamTokenSeal.secretLength).map { _ in UInt8.random(in: 0...255, using: &generator) })
            try db.execute(
                sql: "INSERT INTO stream_token (secret, created_ms) VALUES (?, ?)",
                arguments: [secret, now.milliseconds])
            return StoredSeal(
                seal: StreamTokenSeal(number: UInt32(truncatingIfNeeded: db.lastInsertedRowID), secret: secret),
                createdAt: now)
        }
        keep(newest)
        return newest.seal.seal(token)
    }

    package func streamToken(
        _ secret: String, for execution: ExecutionID, at now: Timestamp
    ) async throws -> StreamToken? {
        guard let number = StreamTokenSeal.number(of: secret), let seal = try await seal(number),
            let grant = seal.open(secret, for: execution), now < grant.expiresAt
        else { return nil }
        let user = try await database.read { db in
            let statement = try db.cachedStatement(sql: "SELECT user FROM api_key WHERE id = ? AND revoked_ms IS NULL")
            return try String.fetchOne(statement, arguments: [grant.key])
        }
        guard let user = user.flatMap({ UserID($0) }) else { return nil }
        return StreamToken(
            execution: execution, user: user, key: grant.key, start: grant.start, expiresAt: grant.expiresAt,
            incarnation: grant.incarnation)
    }

    private func seal(_ number: UInt32) async throws -> StreamTokenSeal? {
        if let known = seals.withLock({ $0.first { $0.seal.number == number } }) { return known.seal }
        let stored = try await database.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM stream_token WHERE number = ?", arguments: [number])
                .map(StoredSeal.init(row:))
        }
        if let stored { keep(stored) }
        return stored?.seal
    }

    private func keep(_ stored: StoredSeal) {
        seals.withLock { seals in
            seals.removeAll { $0.seal.number == stored.seal.number }
            seals.append(stored)
            seals.sort { $0.seal.number < $1.seal.number }
            if seals.count > Self.sealLimit { seals.removeFirst() }
        }
    }
}

extension SQLiteAccessStore.StoredSeal {
    fileprivate init(row: Row) throws {
        let secret: Data = try row.stored("secret")
        guard let number = UInt32(exactly: try row.stored("number", as: Int64.self)),
            secret.count == StreamTokenSeal.secretLength
        else { throw LogStoreError.damaged("The secret of the stream tokens") }
        self.init(
            seal: StreamTokenSeal(number: number, secret: secret),
            createdAt: try Timestamp(stored: row.stored("created_ms")))
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
