import Everyline
import HTTPTypes
import Synchronization

/// What a viewer that asks for a stream was found to be entitled to.
struct ViewerRequest: Sendable {
    let execution: ExecutionID
    /// The events after this one follow.
    let after: Offset
    let key: APIKey.ID
}

/// Decides whether a WebSocket request may become a stream. The upgrade's gate and the route that answers those it
/// declined ask the same question here, so that they can't come to different answers.
struct ViewerAdmission: Sendable {
    let core: ServerCore
    let authenticator: Authenticator
    let counter: ViewerCounter
    let origins: PageOrigins

    /// - Throws: ``APIError``, or what a store throws.
    func admit(_ id: ExecutionID, query: Query, origin: String?, authority: String?) async throws -> ViewerRequest {
        try query.allow(only: "token", "after", "last_seen_timestamp")
        guard origins.admit(origin, at: authority) else {
            throw APIError(.forbidden, "Streams may not be opened from a page of this origin.")
        }
        let token = try await authenticator.viewer(token: query.single("token"), of: id)
        let start = try Cursor(query).start ?? token.start
        let after = try await start.offset(in: id, of: core.log)
        try counter.requireRoom(for: token.key)
        return ViewerRequest(execution: id, after: after, key: token.key)
    }
}

/// Counts the streams that are open under each key, and knows which keys were revoked meanwhile.
final class ViewerCounter: Sendable {
    private let limit: Int
    private let counts = Mutex<[APIKey.ID: Int]>([:])
    private let revoked = Mutex<Set<APIKey.ID>>([])

    init(limit: Int) { self.limit = limit }

    /// - Throws: ``APIError`` if as many streams are open under this key as may be.
    func requireRoom(for key: APIKey.ID) throws {
        guard counts.withLock({ $0[key, default: 0] < limit }) else {
            throw APIError(.tooManyRequests, "There are too many viewers under this key. Try again later.")
        }
    }

    func enter(_ key: APIKey.ID) {
        counts.withLock { $0[key, default: 0] += 1 }
    }

    /// Lets the streams that were opened with this key end, at their next step.
    func revoke(_ key: APIKey.ID) {
        revoked.withLock { _ = $0.insert(key) }
    }

    /// - Throws: ``KeyRevoked``.
    func check(_ key: APIKey.ID) throws {
        if revoked.withLock({ $0.contains(key) }) { throw KeyRevoked() }
    }

    struct KeyRevoked: Error {}

    func leave(_ key: APIKey.ID) {
        counts.withLock { counts in
            let left = counts[key, default: 1] - 1
            counts[key] = left > 0 ? left : nil
        }
    }
}
