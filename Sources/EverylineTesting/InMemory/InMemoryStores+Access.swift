package import Everyline
import Synchronization

extension InMemoryStores: AccessStore {
    package func add(_ key: APIKey) async throws {
        try state.withLock { state in
            guard !state.keys.contains(where: { $0.id == key.id || $0.hash == key.hash }) else {
                throw AccessStoreError.duplicateKey
            }
            state.keys.append(key)
        }
    }

    package func keys() async throws -> [APIKey] {
        state.withLock { $0.keys.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) } }
    }

    package func key(_ hash: SecretHash) async throws -> APIKey? {
        state.withLock { $0.keys.first { $0.hash == hash && $0.revokedAt == nil } }
    }

    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        try state.withLock { state in
            guard let index = state.keys.firstIndex(where: { $0.id == id }) else { throw AccessStoreError.unknownKey }
            let valid = state.keys.filter { $0.role == .admin && $0.revokedAt == nil }
            guard valid.map(\.id) != [id] else { throw AccessStoreError.lastAdministrator }
            state.keys[index].revokedAt = state.keys[index].revokedAt ?? now
        }
    }

    package func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret {
        var generator = SystemGenerator()
        let secret = Secret(.streamToken, using: &generator)
        state.withLock { $0.tokens[secret.hash] = token }
        return secret
    }

    package func streamToken(
        _ secret: String, for execution: ExecutionID, at now: Timestamp
    ) async throws -> StreamToken? {
        state.withLock { state in
            guard let token = state.tokens[SecretHash(of: secret)], token.opens(execution, at: now),
                state.keys.contains(where: { $0.id == token.key && $0.revokedAt == nil })
            else { return nil }
            return token
        }
    }
}
