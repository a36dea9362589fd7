import Everyline
import EverylineClient
import EverylineWebSocket
import NIOCore

/// A WebSocket stream without a subprotocol, as a tail reads it: one line a message.
///
/// It can't show the `end` event: a word in its place says that the execution is over, and the tail gets the event from
/// the log itself.
final class LinesTailConnection: TailConnection {
    private let connection: WebSocketConnection

    init(_ connection: WebSocketConnection) { self.connection = connection }

    deinit { connection.startClosing() }

    func next() async throws -> TailReading {
        let reading = try await WebSocketTailConnection.reading(of: connection)
        if case .message(let message) = reading, message.isDisconnect { return .closed(code: 1000, reason: "") }
        return reading
    }

    func close() { connection.startClosing() }
}

extension ByteBuffer {
    fileprivate var isDisconnect: Bool {
        withUnsafeReadableBytes { EventLinePrefix.startsWith(#"{"type":"disconnect","#, in: $0, 0, $0.count) }
    }
}
