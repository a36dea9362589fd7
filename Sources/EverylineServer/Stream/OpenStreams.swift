import Everyline
import Synchronization

/// The places of the streams that are open. It knows of the keys under which there are some, and of no other.
final class OpenStreams: StreamPlaces {
    /// How many streams may be open.
    struct Limits: Sendable {
        var perKey: Int
        var total: Int
    }

    /// The streams under one key. It is there while one is open.
    fileprivate final class Group: Sendable {
        let isRevoked = Atomic(false)
    }

    private struct State {
        var groups: [APIKey.ID: (group: Group, count: Int)] = [:]
        var total = 0
        var revocations: UInt64 = 0
    }

    private let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits) { self.limits = limits }

    /// How many keys have been revoked so far.
    var revocations: UInt64? { state.withLock(\.revocations) }

    /// How many keys it knows of.
    var keys: Int { state.withLock(\.groups.count) }

    func take(under key: APIKey.ID, for execution: ExecutionID, after offset: Offset) throws -> StreamPlace {
        try take(under: key)
    }

    /// A place is given up when nothing holds it any more.
    func leave(_ place: StreamPlace) {}

    /// Takes a place under this key and in all, or neither.
    ///
    /// - Throws: ``StreamRefusal``.
    func take(under key: APIKey.ID) throws(StreamRefusal) -> StreamPlace {
        let group: Result<Group, StreamRefusal> = state.withLock { state in
            let (group, count) = state.groups[key] ?? (Group(), 0)
            if count >= limits.perKey { return .failure(.tooManyUnderKey) }
            if state.total >= limits.total { return .failure(.tooMany) }
            state.groups[key] = (group, count + 1)
            state.total += 1
            return .success(group)
        }
        return StreamPlace(key: key, group: try group.get(), places: self)
    }

    /// Lets the streams that were opened with this key end, at their next step.
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
    private let group: OpenStreams.Group
    private let places: OpenStreams

    fileprivate init(key: APIKey.ID, group: OpenStreams.Group, places: OpenStreams) {
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
