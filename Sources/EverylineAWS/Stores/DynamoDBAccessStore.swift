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
            // The item was found by the hash of what was shown, of which nothing can be learnt by its timing; the comparison
            // that decides is the constant-time one.
            return key.hash == hash ? key : nil
        }
    }

    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        try await unavailable {
            let written = try await table.update(
                RecordKey.key(id),
                DynamoDBExpression(
                    "SET revoked_ms = if_not_exists(revoked_ms, :now)", [":now": .number(now.milliseconds)]),
                if: .isPresent)
            if case .refused = written { throw AccessStoreError.unknownKey }
        }
    }

    package func add(_ token: StreamToken) async throws {
        _ = try await unavailable { try await table.put(token.attributes) }
    }

    package func streamToken(_ hash: SecretHash, at now: Timestamp) async throws -> StreamToken? {
        try await unavailable {
            guard let item = try await table.get(RecordKey.token(hash)) else { return nil }
            let token = try StreamToken(item, hash: hash)
            // The table's own clean-up comes days late.
            guard now < token.expiresAt, try await validKey(token.key) != nil else { return nil }
            return token
        }
    }

    package func removeStreamTokens(expiredAt now: Timestamp) async throws {
        try await unavailable {
            for shard in RecordKey.tokenShards {
                var query = DynamoDBTable.Query(shard)
                let isExpired = DynamoDBExpression("expires_ms <= :now", [":now": .number(now.milliseconds)])
                query.filter = isExpired
                query.projection = "sk"
                for item in try await table.all(query) {
                    try await table.delete(.init(shard, try item.string("sk")), if: isExpired)
                }
            }
        }
    }

    /// The key, if there is one and it isn't revoked.
    private func validKey(_ id: APIKey.ID) async throws -> APIKey? {
        guard let item = try await table.get(RecordKey.key(id)) else { return nil }
        let key = try APIKey(item)
        return key.revokedAt == nil ? key : nil
    }
}
