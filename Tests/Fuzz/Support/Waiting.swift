import Dispatch
import Synchronization

/// Runs an operation to its end while the calling thread waits: libFuzzer's has nothing else to do.
@discardableResult
func waitFor<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) -> Value {
    let result = WaitingResult<Value>()
    Task {
        let value = await operation()
        result.value.withLock { $0 = value }
        result.isThere.signal()
    }
    result.isThere.wait()
    guard let value = result.value.withLock({ $0 }) else { preconditionFailure("a result is there before its signal") }
    return value
}

private final class WaitingResult<Value: Sendable>: Sendable {
    let isThere = DispatchSemaphore(value: 0)
    let value = Mutex<Value?>(nil)
}
