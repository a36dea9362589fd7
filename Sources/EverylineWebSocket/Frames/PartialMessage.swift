import NIOCore

/// The message that is being received: what its frames brought so far.
struct PartialMessage: Sendable {
    let isText: Bool
    let isCompressed: Bool
    private(set) var bytes = ByteBuffer()
    private(set) var fragments = 0
    private var validator = UTF8Validator()

    /// A slice of this size or more is kept where it was read to; smaller ones are copied, so that a short message
    /// doesn't hold on to a whole read.
    private static let shareFrom = 4096

    init(header: FrameHeader) {
        isText = header.opcode == .text
        isCompressed = header.isCompressed
    }

    mutating func beginFragment() {
        fragments += 1
    }

    /// Appends a piece of a frame's payload, which starts `offset` bytes into it, and unmasks it.
    ///
    /// - Throws: ``WebSocketError/invalidPayload(_:)`` as soon as text can't be UTF-8 any more.
    mutating func append(_ piece: ByteBuffer, of header: FrameHeader, offset: Int) throws(WebSocketError) {
        let count = piece.readableBytes
        if bytes.readableBytes == 0 && header.mask == nil && count == header.length && count >= Self.shareFrom {
            bytes = piece
        } else {
            makeRoom(for: count, rest: header.length - offset)
            bytes.writeImmutableBuffer(piece)
            if let mask = header.mask { bytes.mask(last: count, with: mask, offset: offset) }
        }
        guard isText, !isCompressed else { return }
        let isValid = bytes.withUnsafeReadableBytes { all in
            validator.accept(UnsafeRawBufferPointer(rebasing: all[(all.count - count)...]))
        }
        guard isValid else { throw .invalidPayload("text that isn't UTF-8") }
    }

    /// Makes room for the frame's `rest`, yet never for more than twice what has come, so that a header that only
    /// promises bytes costs none.
    private mutating func makeRoom(for count: Int, rest: Int) {
        guard bytes.writableBytes < count else { return }
        bytes.reserveCapacity(bytes.readableBytes + min(rest, max(2 * count, bytes.readableBytes + count)))
    }

    /// The whole message, inflated.
    ///
    /// - Throws: ``WebSocketError/invalidPayload(_:)`` for text that isn't UTF-8, and what `inflate` throws.
    func finish(
        inflate: (ByteBuffer) throws(WebSocketError) -> ByteBuffer
    ) throws(WebSocketError) -> WebSocketMessage {
        guard isCompressed else {
            guard validator.isComplete else { throw .invalidPayload("text that ends inside a character") }
            return isText ? .text(bytes) : .binary(bytes)
        }
        let inflated = try inflate(bytes)
        guard isText else { return .binary(inflated) }
        var validator = UTF8Validator()
        let isValid = inflated.withUnsafeReadableBytes { validator.accept($0) } && validator.isComplete
        guard isValid else { throw .invalidPayload("text that isn't UTF-8") }
        return .text(inflated)
    }
}
