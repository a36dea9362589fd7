package import Everyline
package import NIOCore

/// The viewer's side of a stream behind a gateway: what to say and when, and what of the incoming is meant for this stream.
/// It knows no connection and no clock.
///
/// Until it is told that its resumption holds it says it again; after that it says after each silence that it is still
/// here, which is what makes the other side look whether anything was forgotten.
package struct GatewayStream {
    package enum Received: Equatable {
        /// Lines, as any stream brings them.
        case lines(ByteBuffer)
        /// A sender's that has lost its right, or of no meaning here.
        case nothing
        /// The gateway itself says that something went wrong with what was said.
        case refused(String)
    }

    /// How long a resumption may go unanswered before it is repeated.
    package static let repetition: Duration = .seconds(5)
    /// How long a silence is broken by a ping. Together with the time for its answer it stays below what a tail takes for a
    /// dead connection.
    package static let silence: Duration = .seconds(25)

    private let execution: ExecutionID
    /// A connection has one resumption: a viewer that finds a hole makes a new connection.
    private let generation: UInt64 = 1
    /// The last event that came.
    private var last: Offset
    private var isResumed = false
    private var quietSince: ContinuousClock.Instant

    package init(of execution: ExecutionID, after offset: Offset, at now: ContinuousClock.Instant) {
        self.execution = execution
        last = offset
        quietSince = now
    }

    /// What is to be said first.
    package var opening: ViewerMessage { .resume(generation: generation, after: last) }

    /// Takes a message and says what is in it for the reader.
    package mutating func receive(_ message: ByteBuffer, at now: ContinuousClock.Instant) -> Received {
        switch GatewayFrame(message) {
        case .block(generation, execution, let lines):
            quietSince = now
            isResumed = true
            if let offset = lines.lastOffset { last = max(last, offset) }
            return .lines(lines)
        case .resumed(generation, _):
            quietSince = now
            isResumed = true
            return .nothing
        case .block, .resumed:
            return .nothing
        case .control(let line):
            quietSince = now
            return line.isGatewayError ? .refused(String(buffer: line)) : .lines(line)
        }
    }

    /// What is to be said now; `nil` for nothing.
    package mutating func speak(at now: ContinuousClock.Instant) -> ViewerMessage? {
        guard now - quietSince >= (isResumed ? Self.silence : Self.repetition) else { return nil }
        quietSince = now
        return isResumed ? .ping(have: last) : opening
    }
}

extension ByteBuffer {
    /// The offset of the last line, if it is an event in the usual form.
    fileprivate var lastOffset: Offset? {
        withUnsafeReadableBytes { bytes in
            var start = bytes.count
            while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
            return EventLinePrefix(bytes, from: start, to: bytes.count).map { Offset($0.offset) }
        }
    }

    /// API Gateway answers `{"message":"Internal server error","connectionId":…,"requestId":…}` where an integration failed.
    fileprivate var isGatewayError: Bool {
        withUnsafeReadableBytes { EventLinePrefix.startsWith(#"{"message":"#, in: $0, 0, $0.count) }
    }
}
