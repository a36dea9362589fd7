package import NIOCore

/// A viewer's side of one connection through a gateway, as a pure machine: what to say, and what of that which comes is
/// meant for it. What it lets through is an ordinary stream's message, and goes to a ``StreamCheck``.
///
/// Two senders may send at once for a moment, and one of them a block that is out of date; a message may be accepted
/// and lost. So it takes blocks of its own generation and execution only, and none that leaves a hole: then it resumes
/// anew, in a higher generation, after what it has.
package struct GatewaySession: Sendable {
    /// After this much silence ``silence()`` is to be said.
    package static let pingInterval = Duration.seconds(30)

    package struct Finding: Sendable, Equatable {
        /// What to read as a stream's message; `nil` if it was not meant for this viewer.
        package var message: ByteBuffer?
        /// What to say now.
        package var answer: ViewerMessage?

        package init(message: ByteBuffer? = nil, answer: ViewerMessage? = nil) {
            self.message = message
            self.answer = answer
        }
    }

    private let execution: ExecutionID
    private var generation: UInt64 = 0
    /// The last event that the viewer has.
    private var have: Offset
    /// Whether the server has taken the last resumption.
    private var isResumed = false

    /// - Parameter offset: what the viewer has, or where its stream's address says that it begins. A viewer without one
    ///   could not tell its own blocks from those of a slow sender that had the connection's id before.
    package init(of execution: ExecutionID, after offset: Offset) {
        self.execution = execution
        self.have = offset
    }

    /// The first thing to say on the connection.
    package mutating func open() -> ViewerMessage { resume() }

    /// What to say when nothing has come for ``pingInterval``: the resumption again until it is acknowledged, then a
    /// ping.
    package func silence() -> ViewerMessage {
        isResumed ? .ping(have: have) : .resume(generation: generation, after: have)
    }

    /// Takes one message.
    package mutating func take(_ message: ByteBuffer) -> Finding {
        switch GatewayFrame(message) {
        case .control(let line):
            // Events without a head were meant for a viewer that had the connection's id before, and didn't speak the
            // protocol.
            return Self.span(of: line) == nil ? Finding(message: line) : Finding()
        case .resumed(let generation, let head):
            guard generation == self.generation, !isResumed else { return Finding() }
            isResumed = true
            return Finding(message: StreamEncoding.blocks.heartbeat(head: head))
        case .block(let generation, _, let execution, let lines):
            guard generation == self.generation, execution == self.execution else { return Finding() }
            return accept(lines)
        }
    }

    private mutating func accept(_ lines: ByteBuffer) -> Finding {
        // What can't be read is let through: the StreamCheck says what is wrong with it.
        guard let span = Self.span(of: lines) else { return Finding(message: lines) }
        guard span.first <= have.next else { return Finding(answer: resume()) }
        isResumed = true
        have = max(have, span.last)
        return Finding(message: lines)
    }

    private mutating func resume() -> ViewerMessage {
        generation += 1
        isResumed = false
        return .resume(generation: generation, after: have)
    }

    /// The offsets of the first and the last of the lines.
    private static func span(of lines: ByteBuffer) -> (first: Offset, last: Offset)? {
        lines.withUnsafeReadableBytes { bytes in
            let end = bytes.firstNewline(from: 0) ?? bytes.count
            guard let prefix = EventLinePrefix(bytes, from: 0, to: end) else { return nil }
            var count = 0
            var position = end
            while position < bytes.count, let next = bytes.firstNewline(from: position + 1) {
                count += 1
                position = next
            }
            let isOpen = position < bytes.count - 1
            let first = Offset(prefix.offset)
            return (first, first.advanced(by: count + (isOpen ? 1 : 0)))
        }
    }
}
