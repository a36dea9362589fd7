import Everyline
import HTTPTypes
import Synchronization

/// A stream that may be opened, and the place that it has among those that are open.
struct AdmittedStream: Sendable {
    let execution: ExecutionID
    /// The events after this one follow.
    let after: Offset
    /// Is given up when nothing holds it any more.
    let place: StreamPlace
    /// What the viewer must forget: then nothing follows, and it must ask for the log anew.
    var restoration: Restoration?
}

extension AdmittedStream {
    /// Where a stream is an answer to a request, the answer says it.
    ///
    /// - Throws: ``LogStoreError/otherIncarnation(_:head:)``.
    func requireSameIncarnation(in log: any LogStore) async throws {
        guard let restoration else { return }
        throw LogStoreError.otherIncarnation(restoration, head: try await log.head(of: execution).offset)
    }
}

/// Decides who may open a stream, and counts it in the same step: from the answer on the stream has its place, so that two
/// requests can't both get the last one. The WebSocket's gate, the route that answers those it declined, and server-sent
/// events ask the same question here, so that they can't come to different answers.
final class StreamAdmission: Sendable {
    /// How many streams may be open.
    struct Limits: Sendable {
        var perKey: Int
        var total: Int
    }

    private let core: ServerCore
    private let authenticator: Authenticator
    private let origins: PageOrigins
    private let places: StreamPlaces

    init(core: ServerCore, authenticator: Authenticator, origins: PageOrigins, limits: Limits) {
        self.core = core
        self.authenticator = authenticator
        self.origins = origins
        places = StreamPlaces(limits)
    }

    /// - Parameters:
    ///   - query: `token`, and where to begin if the token doesn't say it.
    ///   - origin: the page that a browser asks for, as the request's `Origin` says.
    ///   - authority: the host and port that the request was sent to.
    ///   - resumption: where a client goes on, if it says so elsewhere than in the query.
    /// - Throws: ``APIError``, or what a store throws.
    func admit(
        _ id: ExecutionID, query: Query, origin: String?, authority: String?, resumption: StreamStart? = nil
    ) async throws -> AdmittedStream {
        try query.allow(only: "token", "after", "last_seen_timestamp", "incarnation")
        guard origins.admit(origin, at: authority) else {
            throw APIError(.forbidden, "Streams may not be opened from a page of this origin.")
        }
        try core.resources.unread.requireRoom()
        while true {
            let revocations = places.revocations
            let token = try await authenticator.viewer(token: query.single("token"), of: id)
            let asked = try Cursor(query).start
            let start = resumption ?? asked ?? token.start
            var restoration: Restoration?
            if let known = try query.incarnation() ?? token.incarnation {
                restoration = try await core.log.restoration(of: id, since: known)
            }
            let after: Offset
            if let restoration {
                after = restoration.base
            } else {
                after = try await start.offset(in: id, of: core.log)
            }
            // Where a key was revoked meanwhile, it may be this one: the token is looked at again.
            if let place = try places.take(under: token.key, revocations: revocations) {
                return AdmittedStream(execution: id, after: after, place: place, restoration: restoration)
            }
        }
    }

    /// Lets the streams that were opened with this key end, at their next step.
    func revoke(_ key: APIKey.ID) { places.revoke(key) }
}

/// The places of the streams that are open. It knows of the keys under which there are some, and of no other.
final class StreamPlaces: Sendable {
    /// The streams under one key. It is there while one is open.
    fileprivate final class Group: Sendable {
        let isRevoked = Atomic(false)
    }

    private struct State {
        var groups: [APIKey.ID: (group: Group, count: Int)] = [:]
        var total = 0
        var revocations: UInt64 = 0
    }

    private let limits: StreamAdmission.Limits
    private let state = Mutex(State())

    init(_ limits: StreamAdmission.Limits) { self.limits = limits }

    /// How many keys have been revoked so far.
    var revocations: UInt64 { state.withLock(\.revocations) }

    /// How many keys it knows of.
    var keys: Int { state.withLock(\.groups.count) }

    /// Takes a place under this key and in all, or neither.
    ///
    /// - Parameter revocations: how many there had been when the key was found to be valid.
    /// - Returns: `nil` if a key was revoked since, so that this one may not be valid any more.
    /// - Throws: ``APIError``: `too_many_requests` if the key has as many as it may have, `unavailable` if the server has.
    func take(under key: APIKey.ID, revocations: UInt64) throws -> StreamPlace? {
        let group: Group? = try state.withLock { state in
            guard state.revocations == revocations else { return nil }
            let (group, count) = state.groups[key] ?? (Group(), 0)
            if count >= limits.perKey {
                throw APIError(.tooManyRequests, "There are too many viewers under this key. Try again later.")
            }
            if state.total >= limits.total {
                throw APIError(.unavailable, "There are too many viewers. Try again later.")
            }
            state.groups[key] = (group, count + 1)
            state.total += 1
            return group
        }
        return group.map { StreamPlace(key: key, group: $0, places: self) }
    }

    func revoke(_ key: APIKey.ID) {
        let group = state.withLock { state in
            state.revocations += 1
            return state.groups[key]?.group
        }
        group?.isRevoked.store(true, ordering: .releasing)
    }

    fileprivate func leave(_ key: APIKey.ID) {
        state.withLock { state in
            guard let (group, count) = state.groups[key] else { return }
            state.groups[key] = count > 1 ? (group, count - 1) : nil
            state.total -= 1
        }
    }
}

/// One open stream's place under its key and in all, until nothing holds it any more.
final class StreamPlace: Sendable {
    struct KeyRevoked: Error {}

    private let key: APIKey.ID
    private let group: StreamPlaces.Group
    private let places: StreamPlaces

    fileprivate init(key: APIKey.ID, group: StreamPlaces.Group, places: StreamPlaces) {
        self.key = key
        self.group = group
        self.places = places
    }

    deinit { places.leave(key) }

    /// - Throws: ``KeyRevoked`` once the key was revoked: the stream must end.
    func check() throws(KeyRevoked) {
        if group.isRevoked.load(ordering: .acquiring) { throw KeyRevoked() }
    }
}
