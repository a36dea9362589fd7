/// Keeps API keys, as hashes only, and knows what each stream token opens. No token is kept as it is.
package protocol AccessStore: Sendable {
    /// - Throws: ``AccessStoreError/duplicateKey`` if the id or the hash exists.
    func add(_ key: APIKey) async throws

    /// All keys, revoked ones too, the oldest first.
    func keys() async throws -> [APIKey]

    /// The key with this hash, if there is one and it isn't revoked.
    func key(_ hash: SecretHash) async throws -> APIKey?

    /// Marks a key as revoked. Idempotent: the first time stays.
    ///
    /// Of two administrators who revoke each other at once, one is refused: a valid administrator's key is always left,
    /// if there was one before.
    /// - Throws: ``AccessStoreError/unknownKey``; ``AccessStoreError/lastAdministrator`` if no other key could manage
    ///   keys then.
    func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws

    /// Makes a secret that opens what `token` says, until it expires or its key is revoked.
    func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret

    /// What the secret opens, if it was issued for this execution, has not expired at `now`, and its key isn't revoked.
    func streamToken(_ secret: String, for execution: ExecutionID, at now: Timestamp) async throws -> StreamToken?
}

package enum AccessStoreError: Error, Equatable {
    case duplicateKey
    case unknownKey
    case lastAdministrator
}
