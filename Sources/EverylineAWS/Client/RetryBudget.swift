import Synchronization

/// What all of a client's operations may spend on trying again, so that a service that is down isn't asked many times
/// as often as one that works: a retry takes from it, every success gives a little back, and when it is empty a failure
/// is final at once.
final class RetryBudget: Sendable {
    private let left: Mutex<Int>
    private let capacity: Int

    /// As many as AWS's own clients have in their standard mode.
    init(capacity: Int = 500) {
        self.capacity = capacity
        left = Mutex(capacity)
    }

    /// - Returns: whether there was enough for one retry.
    func spend() -> Bool {
        left.withLock { left in
            guard left >= Self.price else { return false }
            left -= Self.price
            return true
        }
    }

    /// - Parameter retried: whether the success was a retry's: its price comes back.
    func succeed(retried: Bool) {
        left.withLock { $0 = min(capacity, $0 + (retried ? Self.price : 1)) }
    }

    private static let price = 5
}
