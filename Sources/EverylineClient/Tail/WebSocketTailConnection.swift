package import Everyline
package import EverylineWebSocket
import NIOCore

/// A stream that speaks `everyline.v1`, as a tail reads it.
package final class WebSocketTailConnection: TailConnection, Sendable {
    private let connection: WebSocketConnection

    package init(_ connection: WebSocketConnection) { self.connection = connection }

    deinit { connection.startClosing() }

    package func next() async throws -> TailReading { try await Self.reading(of: connection) }

    /// The connection's next message, or how it ended.
    package static func reading(of connection: WebSocketConnection) async throws -> TailReading {
        do {
            if let message = try await connection.next() { return .message(message.bytes) }
            let closure = connection.closure
            return .closed(code: closure?.code.rawValue ?? 1000, reason: closure?.reason ?? "")
        } catch WebSocketError.closed(let code, let reason) {
            return .closed(code: code.rawValue, reason: reason)
        } catch let error as WebSocketError {
            // What the peer was told about its message says more than that the connection is gone.
            if let code = error.closeCode { return .closed(code: code.rawValue, reason: "\(error)") }
            return .lost(error.sentence)
        }
    }

    package func close() { connection.startClosing() }
}

extension WebSocketError {
    /// What happened, for people. It holds no URL: there are tokens in those.
    var sentence: String {
        switch self {
        case .closed(let code, let reason): reason.isEmpty ? "the connection was closed (\(code))" : reason
        case .protocolViolation(let what), .invalidPayload(let what): "the server's stream is broken: \(what)"
        case .messageTooBig(let limit): "a message has more than \(limit) bytes"
        case .stalled: "the server doesn't read"
        case .peerSilent: "the server has been silent for too long"
        case .unreachable(let reason): ClientError.unreachable(reason).description
        case .connectionLost(let what): "the connection was lost: \(what)"
        case .handshakeRefused(let status, _): "the server refused the stream (HTTP \(status))"
        case .handshakeInvalid(let what): "what answered is no WebSocket server: \(what)"
        case .timedOut(let what): "no answer in time: \(what)"
        case .invalidURL: "the stream's address is no WebSocket URL"
        }
    }
}
