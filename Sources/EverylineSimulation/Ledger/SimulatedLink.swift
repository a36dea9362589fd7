import Everyline
import NIOCore

/// A viewer's connection as the gateway has it.
struct SimulatedLink {
    enum State {
        /// Its integration has not returned: a post finds nothing.
        case connecting
        case open
        case closed
    }

    /// The connection's id. One that is closed may be given away again.
    let name: Int
    let viewer: Int
    let execution: Int
    var state = State.connecting
    /// Whether its record has been written, and by how much the clock was wrong by which that was done.
    var isRecorded = false
    var skew: Int64 = 0
    /// Whether what was posted still reaches the viewer.
    var isReadable = true
    /// What was accepted and has not arrived, in order.
    var frames: [ByteBuffer] = []
    var arrived = 0
    /// When the last of them arrives.
    var lastArrival: Int64 = 0
    var lastSaid: Int64 = 0
    var lastTraffic: Int64 = 0
    /// Accepts everything, and loses it.
    var isBlackHole = false
    /// Whether something that was accepted was lost.
    var hasLost = false
    /// After which event its address says that it begins: a viewer that asked for a time was told this.
    var start = Offset.zero
    /// The resumption that holds, and up to where its senders have posted without a gap.
    var generation: UInt64 = 0
    var posted = Offset.zero

    var unread: Int { frames.count - arrived }
}
