import Synchronization

/// What was last known of each of some keys: a memory that only saves work, so it may forget. One key more than it
/// holds empties it.
package final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let limit: Int
    private let values = Mutex<[Key: Value]>([:])

    /// - Parameter limit: how many keys it holds.
    package init(limit: Int) { self.limit = limit }

    package subscript(key: Key) -> Value? {
        get { values.withLock { $0[key] } }
        set { change(key) { $0 = newValue } }
    }

    /// Reads what is known of a key and changes it, in one step.
    package func change<Result: Sendable>(_ key: Key, _ body: (inout Value?) -> Result) -> Result {
        values.withLock { values in
            if values.count >= limit, values[key] == nil { values.removeAll(keepingCapacity: true) }
            return body(&values[key])
        }
    }
}
