import Everyline
import NIOCore

/// A viewer of a simulated world: a resuming tail, and what it knows.
struct SimulatedViewer {
    enum Phase {
        case locating, opening, reading, asking, waiting
        case finished
    }

    let execution: Int
    let start: StreamStart
    var machine: ResumingTailStateMachine
    /// Whether it speaks the stream's protocol, or only counts what comes.
    var encoding = StreamEncoding.blocks
    var phase = Phase.locating
    /// Grows with each thing that it waits for: what was meant for an earlier one is nothing to it.
    var token = 0
    var link = -1
    var session: GatewaySession?
    /// What has come and was not yet asked for.
    var mailbox: [TailReading] = []
    var lastHeard: Int64 = 0
    /// The incarnation that it named when it asked where to follow the log, and the one of the address that it got.
    var known: Incarnation?
    var addressed: Incarnation?
    /// A hash of each event that it was told of.
    var seen: [Offset: UInt64] = [:]
    /// The last event that it was told of.
    var last: Offset?
    /// What it was shown of lines that had no newline yet.
    var pending: [PendingLine] = []
    /// How long it takes over a message.
    var pace: Int64 = 0
    /// Reads nothing any more from this time on.
    var stallsAt = Int64.max
    var stallsUntil = Int64.max

    func isStalled(at now: Int64) -> Bool { now >= stallsAt && now < stallsUntil }
    /// Whether it is owed everything in the end.
    var isToBeServed: Bool { stallsAt == .max || stallsUntil < .max }
}
