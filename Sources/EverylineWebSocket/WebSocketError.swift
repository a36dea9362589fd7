/// What goes wrong with a WebSocket connection, before it stands and while it does.
package enum WebSocketError: Error, Hashable, Sendable {
    /// The connection was closed by a close frame, the peer's or our own.
    case closed(WebSocketCloseCode, reason: String)
    /// The peer broke the protocol's rules. It is told so with 1002.
    case protocolViolation(String)
    /// The peer's message is not what its type says: text that isn't UTF-8 (1007).
    case invalidPayload(String)
    /// The peer's message has more bytes, inflated and over all fragments, than the limit (1009).
    case messageTooBig(limit: Int)
    /// The peer didn't read for as long as it may (1013).
    case stalled
    /// The peer sent nothing for as long as it may.
    case peerSilent
    /// No connection to the server could be made.
    case unreachable(String)
    /// The connection ended without a close frame.
    case connectionLost(String)
    /// The server answered the handshake with something else than 101. `body` is the beginning of its answer.
    case handshakeRefused(status: Int, body: String)
    /// The peer's handshake isn't one of RFC 6455.
    case handshakeInvalid(String)
    /// Nothing came of a connection attempt or of a first request in time.
    case timedOut(String)
    /// The address is no `ws://` or `wss://` URL.
    case invalidURL(String)

    /// The code that tells the peer; `nil` where there is no peer to tell.
    package var closeCode: WebSocketCloseCode? {
        switch self {
        case .closed(let code, _): code.mayBeSent ? code : nil
        case .protocolViolation: .protocolError
        case .invalidPayload: .invalidPayload
        case .messageTooBig: .messageTooBig
        case .stalled: .tryAgainLater
        case .peerSilent, .unreachable, .connectionLost, .handshakeRefused, .handshakeInvalid, .timedOut, .invalidURL:
            nil
        }
    }

    /// What a close frame says beside the code; empty where the code says it all.
    var closeReason: String {
        switch self {
        case .protocolViolation(let what), .invalidPayload(let what): what
        case .messageTooBig(let limit): "a message may have \(limit) bytes"
        case .stalled: "the connection made no progress"
        default: ""
        }
    }
}
