import NIOCore

/// What a close frame says. Without a code it is empty.
struct CloseFrame: Hashable, Sendable {
    var code: WebSocketCloseCode?
    var reason = ""

    /// - Throws: ``WebSocketError/protocolViolation(_:)`` for a code that isn't to be sent,
    ///   ``WebSocketError/invalidPayload(_:)`` for a reason that isn't UTF-8.
    init(payload: ByteBuffer) throws(WebSocketError) {
        var payload = payload
        guard payload.readableBytes > 0 else { return }
        guard let number = payload.readInteger(as: UInt16.self) else {
            throw .protocolViolation("a close frame of one byte")
        }
        let code = WebSocketCloseCode(number)
        guard code.mayBeSent else { throw .protocolViolation("a close code that isn't to be sent") }
        guard let reason = String(validating: payload.readableBytesView, as: UTF8.self) else {
            throw .invalidPayload("a close reason that isn't UTF-8")
        }
        self.code = code
        self.reason = reason
    }

    /// - Parameter reason: is cut, between characters, to the 123 bytes that fit.
    init(code: WebSocketCloseCode?, reason: String = "") {
        self.code = code
        var length = 0
        let fitting = reason.unicodeScalars.prefix { scalar in
            length += UTF8.width(scalar)
            return length <= 123
        }
        self.reason = String(String.UnicodeScalarView(fitting))
    }

    /// The frame's payload.
    var payload: ByteBuffer {
        guard let code else { return ByteBuffer() }
        var buffer = ByteBuffer(integer: code.rawValue)
        buffer.writeString(reason)
        return buffer
    }
}
