package import NIOCore

/// One whole message of the peer. Text is valid UTF-8.
package enum WebSocketMessage: Hashable, Sendable {
    case text(ByteBuffer)
    case binary(ByteBuffer)

    /// The message's bytes, whichever type it has.
    package var bytes: ByteBuffer {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        }
    }
}
