import Everyline
import Synchronization

/// Counts the places of viewers under each key, and tells those whose key is revoked.
///
/// It knows of the keys under which there are viewers, and of no other.
final class ViewerCounter: Sendable {
    private struct State {
        var places: [APIKey.ID: Int] = [:]
        /// Of the keys in `places`.
        var revoked: Set<APIKey.ID> = []
        var revocations: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// How many keys have been revoked so far.
    var revocations: UInt64 { state.withLock { $0.revocations } }

    /// How many keys it knows of.
    var keys: Int { state.withLock { $0.places.count + $0.revoked.count } }

    /// Gives a viewer a place under its key.
    ///
    /// - Parameter revocations: how many there had been when the key was found to be valid.
    /// - Returns: `nil` if a key was revoked since, so that this one may not be valid any more.
    /// - Throws: ``APIError`` if as many places are taken under this key as may be.
    func place(under key: APIKey.ID, revocations: UInt64) throws -> ViewerPlace? {
        let isGiven = try state.withLock { state in
            guard state.revocations == revocations else { return false }
            guard state.places[key, default: 0] < limit else {
                throw APIError(.tooManyRequests, "There are too many viewers under this key. Try again later.")
            }
            state.places[key, default: 0] += 1
            return true
        }
        return isGiven ? ViewerPlace(key, counter: self) : nil
    }

    /// Lets the streams that were opened with this key end, at their next step. The key is no longer valid.
    func revoke(_ key: APIKey.ID) {
        state.withLock { state in
            state.revocations += 1
            if state.places[key] != nil { state.revoked.insert(key) }
        }
    }

    fileprivate func isRevoked(_ key: APIKey.ID) -> Bool { state.withLock { $0.revoked.contains(key) } }

    fileprivate func leave(_ key: APIKey.ID) {
        state.withLock { state in
            let left = state.places[key, default: 1] - 1
            state.places[key] = left > 0 ? left : nil
            if left <= 0 { state.revoked.remove(key) }
        }
    }
}

/// A viewer's place under its key, from its admission until this is let go of.
final class ViewerPlace: Sendable {
    private let key: APIKey.ID
    private let counter: ViewerCounter

    fileprivate init(_ key: APIKey.ID, counter: ViewerCounter) {
        self.key = key
        self.counter = counter
    }

    deinit { counter.leave(key) }

    /// - Throws: ``KeyRevoked``.
    func check() throws {
        if counter.isRevoked(key) { throw KeyRevoked() }
    }

    struct KeyRevoked: Error {}
}
