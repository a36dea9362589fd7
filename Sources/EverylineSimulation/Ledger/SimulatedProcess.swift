import Everyline

/// A worker of the AWS form: one invocation, that takes steps until it is done or dies. Each step has its effect at one moment
/// and its answer at a later one; between any two of them, the world goes on.
final class SimulatedProcess {
    enum Work {
        /// A task that waits for this.
        case waiting(CheckedContinuation<LedgerBoard.Answer, any Error>)
        case delivering(Delivery)
        case receiving(Reception)
    }

    enum Step {
        case call(LedgerBoard.Call)
        case deliver(Delivery.Action)
        case receive(Reception.Action)
    }

    enum Answer {
        case call(Result<LedgerBoard.Answer, LogStoreError>)
        case deliver(Delivery.Input)
        case receive(Reception.Input)
    }

    let number: Int
    var execution: Int
    /// Whom it serves, by the connection's id; -1 for none.
    let name: Int
    var work: Work?
    var step: Step?
    var answer: Answer?
    var isAlive = true
    /// By how much its clock is wrong.
    var skew: Int64
    var turnEnds: Int64 = 0
    /// The connection as it was when the lock was taken, and which one had the id then.
    var viewer: ViewerConnection?
    var link = -1
    /// Where the cursor was moved before the post (one of the mutations).
    var early: Delivery.Input?

    /// Whether it reconciles; else it takes lines, or serves a viewer.
    var reconciles = false
    /// The first line that its message brings.
    var firstNumber: UInt64?

    /// The messages it was given, the next of them, and those that go back.
    var messages: [(index: Int, receipt: Int)] = []
    var position = 0
    var batch = QueueBatch()
    var failed: Set<Int> = []

    init(number: Int, execution: Int, name: Int, skew: Int64) {
        self.number = number
        self.execution = execution
        self.name = name
        self.skew = skew
    }
}
