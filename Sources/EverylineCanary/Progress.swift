import Synchronization

/// How far a run has come; what its parts tell each other.
final class Progress: Sendable {
    private struct State {
        var head: UInt64 = 0
        var written: UInt64 = 0
        var firstStalled: Int
        var isStopping = false
    }

    private let state: Mutex<State>

    /// - Parameter firstStalled: the first viewer that stalls; all behind it do too.
    init(firstStalled: Int) { state = Mutex(State(firstStalled: firstStalled)) }

    /// The last event that the server has acknowledged.
    var head: UInt64 { state.withLock { $0.head } }
    /// How many lines the server has acknowledged.
    var written: UInt64 { state.withLock { $0.written } }

    func acknowledge(head: UInt64, lines: UInt64) {
        state.withLock {
            $0.head = head
            $0.written = lines
        }
    }

    /// Whether nothing is to be written any more.
    var isStopping: Bool { state.withLock { $0.isStopping } }
    func stop() { state.withLock { $0.isStopping = true } }

    func isStalled(_ viewer: Int) -> Bool { state.withLock { viewer >= $0.firstStalled } }
    func releaseStalled() { state.withLock { $0.firstStalled = .max } }
}
