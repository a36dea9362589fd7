import Everyline
import NIOCore

/// A viewer's socket as the network has it, and the stream that serves it.
struct SimulatedSocket {
    let viewer: Int
    let server: Int
    let subscription: LogFeed.Subscription
    /// Both sides still have it.
    var isOpen = true
    /// Whether what is on the way to the viewer comes as one message.
    var holdsBack = false
    /// Whether what was sent still reaches the viewer.
    var isReadable = true
    var messages: [TailReading] = []
    var arrived = 0
    var lastArrival: Int64 = 0
    var lastProgress: Int64 = 0
    /// How many steps of its task stand on the board, and whether the task still runs.
    var pending = 0
    var isServed = true
    /// What waits for room.
    var waiting: [(messages: [ByteBuffer], continuation: CheckedContinuation<Void, any Error>)] = []
    /// The last event that the stream took out of the log for it.
    var taken: Offset

    var unread: Int { messages.count - arrived }
}
