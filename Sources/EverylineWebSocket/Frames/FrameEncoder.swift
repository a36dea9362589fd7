import NIOCore

/// Turns our messages into the buffers that are written: header and payload in one where that is cheaper.
struct FrameEncoder: Sendable {
    let role: WebSocketRole
    /// How messages are compressed; `nil` if they aren't.
    let compression: Compression?

    struct Compression: Sendable {
        let pool: CompressorPool
        let windowBits: Int
        let threshold: Int
    }

    /// A payload below this is copied behind its header, a larger one goes out as it is.
    private static let copyBelow = 4096
    /// A buffer with this much in it is handed out.
    private static let batchSize = 64 * 1024
    /// zlib compresses this in about a tenth of a millisecond.
    private static let large = 16 * 1024

    /// Hands out, in order, the buffers of one frame for each of `payloads`.
    func encode(_ payloads: [ByteBuffer], as opcode: WebSocketOpcode, write: (ByteBuffer) -> Void) {
        let room = payloads.reduce(0) { $0 + FrameHeader.maximumSize + copiedBytes(of: $1) }
        var batch = ByteBufferAllocator().buffer(capacity: min(room, 2 * Self.batchSize))
        func handOut() {
            guard batch.readableBytes > 0 else { return }
            write(batch)
            batch = ByteBuffer()
        }
        for payload in payloads {
            let compressed = compress(payload)
            let body = compressed ?? payload
            var header = FrameHeader(isCompressed: compressed != nil, opcode: opcode, length: body.readableBytes)
            if role == .client {
                let mask = FrameMask.random()
                header.mask = mask
                header.write(to: &batch)
                batch.writeImmutableBuffer(body)
                batch.mask(last: header.length, with: mask, offset: 0)
            } else if header.length < Self.copyBelow {
                header.write(to: &batch)
                batch.writeImmutableBuffer(body)
            } else {
                header.write(to: &batch)
                handOut()
                write(body)
            }
            if batch.readableBytes >= Self.batchSize { handOut() }
        }
        handOut()
    }

    /// The buffers of one frame for each of `payloads`, in order.
    func frames(of payloads: [ByteBuffer], as opcode: WebSocketOpcode) -> [ByteBuffer] {
        var frames: [ByteBuffer] = []
        encode(payloads, as: opcode) { frames.append($0) }
        return frames
    }

    /// Whether these are compressed, and so large that an event loop's other connections would wait for it.
    func takesLong(_ payloads: [ByteBuffer]) -> Bool {
        compression != nil && payloads.reduce(0) { $0 + $1.readableBytes } >= Self.large
    }

    /// The one buffer of a control frame.
    func control(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        var header = FrameHeader(opcode: opcode, length: payload.readableBytes)
        header.mask = role == .client ? .random() : nil
        var buffer = ByteBufferAllocator().buffer(capacity: FrameHeader.maximumSize + header.length)
        header.write(to: &buffer)
        buffer.writeImmutableBuffer(payload)
        if let mask = header.mask { buffer.mask(last: header.length, with: mask, offset: 0) }
        return buffer
    }

    private func copiedBytes(of payload: ByteBuffer) -> Int {
        role == .client || payload.readableBytes < Self.copyBelow ? payload.readableBytes : 0
    }

    /// The compressed message, if it is long enough to try and shorter than before.
    private func compress(_ payload: ByteBuffer) -> ByteBuffer? {
        guard let compression, payload.readableBytes >= compression.threshold else { return nil }
        return compression.pool.deflate(payload, windowBits: compression.windowBits)
    }
}
