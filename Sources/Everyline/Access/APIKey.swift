/// The record of an API key; the key itself is shown once, when it is made.
public struct APIKey: Sendable, Equatable {
    /// Names the key in lists, logs and requests to revoke it. It isn't secret.
    public typealias ID = String

    public let id: ID
    public let user: UserID
    public let role: Role
    public let hash: SecretHash
    public let createdAt: Timestamp
    /// From then on the key and everything that was issued under it is refused.
    public var revokedAt: Timestamp?

    public init(
        id: ID, user: UserID, role: Role, hash: SecretHash, createdAt: Timestamp, revokedAt: Timestamp? = nil
    ) {
        self.id = id
        self.user = user
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }

    public var principal: Principal { Principal(user: user, role: role, key: id) }
}
