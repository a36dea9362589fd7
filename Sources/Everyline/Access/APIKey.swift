/// The record of an API key; the key itself is shown once, when it is made.
package struct APIKey: Sendable, Equatable {
    /// Names the key in lists, logs and requests to revoke it. It isn't secret.
    package typealias ID = String

    package let id: ID
    package let user: UserID
    package let role: Role
    package let hash: SecretHash
    package let createdAt: Timestamp
    /// From then on the key and everything that was issued under it is refused.
    package var revokedAt: Timestamp?

    package init(
        id: ID, user: UserID, role: Role, hash: SecretHash, createdAt: Timestamp, revokedAt: Timestamp? = nil
    ) {
        self.id = id
        self.user = user
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }

    package var principal: Principal { Principal(user: user, role: role, key: id) }
}
