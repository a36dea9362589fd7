import Everyline
import EverylineProducer
import NIOCore

/// The producer of the embedded form: a command, the machine's disk, and the processes that record the command and
/// deliver what is recorded, one after the other.
struct SimulatedProducer {
    var command = SimulatedCommand()
    let disk = SimulatedDisk()
    var settings = ProducerLife.Settings()
    /// Whether it is `exec`, which is recovered by a user, or a runner, which is looked after by the server.
    var isForeground = false
    var life: ProducerLife?
    var spool: Spool?
    var lives = 0
    /// Successors that have failed.
    var failures = 0
    /// Nothing is left to be done by any process.
    var isDone = false
    var isStopRequested = false
    /// When the command would end if nothing kept it up.
    var endsAt: Int64 = 0

    /// What is amiss with the way to the server.
    var bodyLimit = ByteCount.max
    /// In bytes a second.
    var rate = ByteCount.max
    var requests: [Request] = []

    /// Why something may be missing in the log.
    var isInterrupted = false
    var isPowerLost = false
    var wasUnreadable = false
    /// What was whole on the disk when the process was killed.
    var kept = Offset.zero

    /// What it has asked its server, and not been answered yet.
    struct Request {
        let life: ProducerLife
        let wait: Int
        let body: ByteBuffer
        let after: Offset
        let incarnation: Incarnation?
        var isAtServer = false
    }
}
