package import Everyline
import NIOCore

/// API keys, each found by its id and by its hash, and stream tokens, found by their hash.
package struct DynamoDBAccessStore: AccessStore {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    package func add(_ key: APIKey) async throws {
        try await unavailable {
            var byHash = RecordKey.key(key.hash).attributes
            byHash["key_id"] = .string(key.id)
            let result = try await table.transact(
                [.put(key.attributes, if: .isAbsent), .put(byHash, if: .isAbsent)], token: DynamoDBLogStore.token())
            guard result == .done else { throw AccessStoreError.duplicateKey }
        }
    }

    package func keys() async throws -> [APIKey] {
        try await unavailable {
            try await table.all(.init(RecordKey.keys)).map(APIKey.init).sorted {
                ($0.createdAt, $0.id) < ($1.createdAt, $1.id)
            }
        }
    }

    package func key(_ hash: SecretHash) async throws -> APIKey? {
        try await unavailable {
            guard let pointer = try await table.get(RecordKey.key(hash)) else { return nil }
            guard let key = try await validKey(try pointer.string("key_id")) else { return nil }
            // The item was found by the hash of what was shown, of which nothing can be learnt by its timing; the
            // comparison that decides is the constant-time one.
            return key.hash == hash ? key : nil
        }
    }

    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        let revocation = DynamoDBExpression(
            "SET revoked_ms = if_not_exists(revoked_ms, :now)", [":now": .number(now.milliseconds)])
        try await unavailable {
            for _ in 0..<Self.attempts {
                let keys = try await keys()
                guard let key = keys.first(where: { $0.id == id }) else { throw AccessStoreError.unknownKey }
                var writes: [DynamoDBTable.Write] = [.update(RecordKey.key(id), revocation, if: .isPresent)]
                if key.role == .admin, key.revokedAt == nil {
                    let other = keys.first { $0.id != id && $0.role == .admin && $0.revokedAt == nil }
                    guard let other else { throw AccessStoreError.lastAdministrator }
                    // Changes nothing: it is there for its condition, for which no function needs a right more.
                    writes.append(
                        .update(
                            RecordKey.key(other.id), DynamoDBExpression("SET created_ms = created_ms"),
                            if: .isPresent.and("attribute_not_exists(revoked_ms)")))
                }
                guard try await table.transact(writes, token: DynamoDBLogStore.token()) == .done else { continue }
                return
            }
            throw LogStoreError.unavailable("too many revoke keys")
        }
    }

    /// How often the keys may change under a revocation before it is given up.
    private static let attempts = 16

    package func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret {
        var generator = SystemGenerator()
        let secret = Secret(.streamToken, using: &generator)
        _ = try await unavailable { try await table.put(token.attributes(hash: secret.hash)) }
        return secret
    }

    package func streamToken(
        _ secret: String, for execution: ExecutionID, at now: Timestamp
    ) async throws -> StreamToken? {
        try await unavailable {
            guard let item = try await table.get(RecordKey.token(SecretHash(of: secret))) else { return nil }
            let token = try StreamToken(item)
            // The table's own clean-up comes days late.
            guard token.opens(execution, at: now), try await validKey(token.key) != nil else { return nil }
            return token
        }
    }

    /// The key, if there is one and it isn't revoked.
    private func validKey(_ id: APIKey.ID) async throws -> APIKey? {
        guard let item = try await table.get(RecordKey.key(id)) else { return nil }
        let key = try APIKey(item)
        return key.revokedAt == nil ? key : nil
    }
}
