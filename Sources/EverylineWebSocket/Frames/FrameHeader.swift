import NIOCore

/// The head of one frame: RFC 6455, section 5.2.
struct FrameHeader: Hashable, Sendable {
    var isFinal = true
    /// RSV1: the first frame of a message that permessage-deflate has compressed.
    var isCompressed = false
    var opcode: WebSocketOpcode
    var mask: FrameMask?
    /// The payload's bytes.
    var length: Int

    /// The most bytes that a header takes.
    static let maximumSize = 14

    /// Appends the header as it goes over the wire, with the shortest length.
    func write(to buffer: inout ByteBuffer) {
        let first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch length {
        case ...125:
            buffer.writeMultipleIntegers(first, maskBit | UInt8(length))
        case ...0xFFFF:
            buffer.writeMultipleIntegers(first, maskBit | 126, UInt16(length))
        default:
            buffer.writeMultipleIntegers(first, maskBit | 127, UInt64(length))
        }
        if let mask { buffer.writeInteger(mask.key) }
    }

    /// Reads a header, moving the reader index behind it; `nil`, without moving it, if there are too few bytes.
    ///
    /// What the first two bytes give away is judged as soon as they are there.
    /// - Throws: ``WebSocketError/protocolViolation(_:)`` for what no peer of this `role` may send.
    static func read(
        from buffer: inout ByteBuffer, role: WebSocketRole, allowsCompression: Bool
    ) throws(WebSocketError) -> FrameHeader? {
        let start = buffer.readerIndex
        guard let (first, second) = buffer.getMultipleIntegers(at: start, as: (UInt8, UInt8).self) else { return nil }
        var header = try FrameHeader(first: first, allowsCompression: allowsCompression)
        let isMasked = second & 0x80 != 0
        guard isMasked == (role == .server) else {
            throw .protocolViolation(isMasked ? "a masked frame from a server" : "an unmasked frame from a client")
        }
        let short = second & 0x7F
        if header.opcode.isControl && (short > 125 || !header.isFinal) {
            throw .protocolViolation("a control frame that is long or fragmented")
        }
        let size = 2 + (short == 126 ? 2 : short == 127 ? 8 : 0) + (isMasked ? 4 : 0)
        guard buffer.readableBytes >= size else { return nil }
        buffer.moveReaderIndex(forwardBy: 2)
        header.length = try length(short: short, from: &buffer)
        if isMasked { header.mask = buffer.readInteger().map(FrameMask.init(key:)) }
        return header
    }

    private static func length(short: UInt8, from buffer: inout ByteBuffer) throws(WebSocketError) -> Int {
        switch short {
        case 126:
            let length = buffer.readInteger(as: UInt16.self) ?? 0
            guard length > 125 else { throw .protocolViolation("a length that isn't the shortest") }
            return Int(length)
        case 127:
            let length = buffer.readInteger(as: UInt64.self) ?? 0
            guard length > 0xFFFF, let length = Int(exactly: length) else {
                throw .protocolViolation("a length that isn't the shortest, or none")
            }
            return length
        default:
            return Int(short)
        }
    }
}

extension FrameHeader {
    /// Judges a frame's first byte.
    private init(first: UInt8, allowsCompression: Bool) throws(WebSocketError) {
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else {
            throw .protocolViolation("a reserved opcode")
        }
        let isCompressed = first & 0x40 != 0
        let mayBeCompressed = allowsCompression && (opcode == .text || opcode == .binary)
        guard first & 0x30 == 0, !isCompressed || mayBeCompressed else {
            throw .protocolViolation("a reserved bit")
        }
        self.init(isFinal: first & 0x80 != 0, isCompressed: isCompressed, opcode: opcode, length: 0)
    }
}

/// What a frame holds. The other numbers are reserved, and refused.
enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue & 0x8 != 0 }
}
