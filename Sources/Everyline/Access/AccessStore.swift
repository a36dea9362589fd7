/// Keeps API keys and stream tokens, as hashes only.
public protocol AccessStore: Sendable {
    /// - Throws: ``AccessStoreError/duplicateKey`` if the id or the hash exists.
    func add(_ key: APIKey) async throws

    /// All keys, revoked ones too, the oldest first.
    func keys() async throws -> [APIKey]

    /// The key with this hash, if there is one and it isn't revoked.
    func key(_ hash: SecretHash) async throws -> APIKey?

    /// Marks a key as revoked. Idempotent: the first time stays.
    /// - Throws: ``AccessStoreError/unknownKey``.
    func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws

    func add(_ token: StreamToken) async throws

    /// The token with this hash, if there is one that has not expired at `now` and whose key isn't revoked.
    func streamToken(_ hash: SecretHash, at now: Timestamp) async throws -> StreamToken?

    /// Forgets tokens that have expired. Nothing depends on it but the space they take.
    func removeStreamTokens(expiredAt now: Timestamp) async throws
}

public enum AccessStoreError: Error, Equatable {
    case duplicateKey
    case unknownKey
}
