import Everyline

/// One invocation of a function, that takes steps until it is done or dies. Each step has its effect at one moment and
/// its answer at a later one; between any two of them, the world goes on. Steps for several groups of messages are
/// under way side by side.
final class SimulatedProcess {
    enum Work {
        /// Carries out messages: their indices in the queue, by the receipts by which they were received.
        case messages(QueueName, [(index: Int, receipt: Int)])
        /// Makes a connection, or hears from one.
        case connecting(link: Int)
        case hearing
        /// A client asks the API.
        case asking
    }

    /// A call of a port, on its way.
    struct Step {
        let process: Int
        let call: FunctionBoard.Call
        let waiter: FunctionBoard.Waiter
        var answer: Result<FunctionBoard.Answer, LogStoreError>?
    }

    let number: Int
    let work: Work
    /// When it was started.
    let began: Int64
    var isAlive = true
    /// By how much its clock is wrong.
    var skew: Int64
    /// Its steps that are under way.
    var steps: [Int] = []
    /// The messages that must come again.
    var failed: [String] = []

    /// The locks that it has taken, by the connection's name: the record then, and which connection had the name.
    var locks: [Int: (viewer: ViewerConnection, link: Int)] = [:]
    /// To whom it has posted something.
    var posted: Set<Int> = []
    /// Where a cursor was moved before the post (one of the mutations).
    var early: [Int: ViewerConnection?] = [:]

    init(number: Int, work: Work, at began: Int64, skew: Int64) {
        self.number = number
        self.work = work
        self.began = began
        self.skew = skew
    }
}
