import NIOCore

@testable import EverylineWebSocket

/// Frames as a peer puts them on the wire, right and wrong ones.
enum Wire {
    /// One frame of a client, or, without a mask, of a server.
    static func frame(
        _ opcode: WebSocketOpcode, bytes: [UInt8], isFinal: Bool = true, isCompressed: Bool = false,
        mask: FrameMask? = FrameMask(key: 0x1234_5678)
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        let header = FrameHeader(
            isFinal: isFinal, isCompressed: isCompressed, opcode: opcode, mask: mask, length: bytes.count)
        header.write(to: &buffer)
        buffer.writeBytes(bytes)
        if let mask { buffer.mask(last: bytes.count, with: mask, offset: 0) }
        return buffer
    }

    static func frame(_ opcode: WebSocketOpcode, _ text: String, isFinal: Bool = true) -> ByteBuffer {
        frame(opcode, bytes: Array(text.utf8), isFinal: isFinal)
    }

    /// Text messages as our own encoder writes them.
    static func frames(_ texts: [ByteBuffer], from role: WebSocketRole) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder(role: role, compression: nil).encode(texts, as: .text) { bytes.writeImmutableBuffer($0) }
        return bytes
    }
}
