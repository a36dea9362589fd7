package import Everyline
package import NIOCore

/// When a viewer speaks on a stream behind a gateway, around ``GatewaySession``'s rules of what is to be said. It knows
/// no connection, and is told the time.
///
/// Until it is told that its resumption holds it says it again; after that it says after each silence that it is still
/// here, which is what makes the other side look whether anything was forgotten.
package struct GatewayStream {
    package enum Received: Equatable {
        /// Lines, as any stream brings them.
        case lines(ByteBuffer)
        /// Not meant for this viewer, or of no meaning to its reader.
        case nothing
        /// The same, and this must be said now.
        case answer(ViewerMessage)
        /// The gateway itself says that something went wrong with what was said.
        case refused(String)
    }

    /// How long a resumption may go unanswered before it is repeated.
    package static let repetition: Duration = .seconds(5)
    /// How long a silence is broken by a ping. Together with the time for its answer it stays below what a tail takes
    /// for a dead connection.
    package static let silence: Duration = .seconds(25)

    private var session: GatewaySession
    private var quietSince: ContinuousClock.Instant
    /// What is to be said first.
    package let opening: ViewerMessage

    package init(of execution: ExecutionID, after offset: Offset, at now: ContinuousClock.Instant) {
        session = GatewaySession(of: execution, after: offset)
        opening = session.open()
        quietSince = now
    }

    /// Takes a message and says what is in it for the reader.
    package mutating func receive(_ message: ByteBuffer, at now: ContinuousClock.Instant) -> Received {
        let finding = session.take(message)
        if let answer = finding.answer {
            quietSince = now
            return .answer(answer)
        }
        // A resumption that holds is a sign of life too, but one that is repeated must not put itself off for ever.
        guard let lines = finding.message else {
            if case .ping = session.silence() { quietSince = now }
            return .nothing
        }
        quietSince = now
        return lines.isGatewayError ? .refused(String(buffer: lines)) : .lines(lines)
    }

    /// What is to be said now; `nil` for nothing.
    package mutating func speak(at now: ContinuousClock.Instant) -> ViewerMessage? {
        let message = session.silence()
        let patience = if case .resume = message { Self.repetition } else { Self.silence }
        guard now - quietSince >= patience else { return nil }
        quietSince = now
        return message
    }
}

extension ByteBuffer {
    /// API Gateway answers `{"message":"Internal server error","connectionId":…,"requestId":…}` where an integration
    /// failed.
    fileprivate var isGatewayError: Bool {
        withUnsafeReadableBytes { EventLinePrefix.startsWith(#"{"message":"#, in: $0, 0, $0.count) }
    }
}
