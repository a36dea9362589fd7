import CZlib
import NIOCore
import Synchronization

/// One zlib decompressor, which takes one whole message after the other and remembers none of them.
final class RawInflater: Sendable {
    private let stream: Mutex<UnsafeMutablePointer<z_stream>>

    /// - Returns: `nil` if there is no memory for it.
    init?() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The largest window reads what was written with any.
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = Mutex(stream)
    }

    deinit {
        stream.withLock { stream in
            inflateEnd(stream)
            stream.deallocate()
        }
    }

    /// The message that `bytes` (without the last four of the flush) were.
    ///
    /// Never more than `limit` bytes are produced, whatever the compressed ones promise.
    /// - Throws: ``WebSocketError/messageTooBig(limit:)``, or ``WebSocketError/invalidPayload(_:)`` for what isn't DEFLATE.
    func inflate(_ bytes: ByteBuffer, limit: Int) throws(WebSocketError) -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: min(limit, max(256, 4 * bytes.readableBytes)))
        let failure = stream.withLock { stream in
            defer { inflateReset(stream) }
            return Self.inflate(bytes, with: stream, into: &output, limit: limit)
                ?? Self.inflate(Self.flushTail, with: stream, into: &output, limit: limit)
        }
        if let failure { throw failure }
        return output
    }

    /// What the sender's flush ended with, and what isn't sent.
    private static let flushTail = ByteBuffer(bytes: [0x00, 0x00, 0xFF, 0xFF])

    private static func inflate(
        _ input: ByteBuffer, with stream: UnsafeMutablePointer<z_stream>, into output: inout ByteBuffer, limit: Int
    ) -> WebSocketError? {
        input.withUnsafeReadableBytes { input in
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(input.count)
            while true {
                var status = Z_OK
                let room = max(256, min(output.readableBytes, 1024 * 1024))
                // One byte more than the limit shows that it is passed.
                let allowed = limit + 1 - output.readableBytes
                output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { free in
                    let usable = min(free.count, allowed)
                    stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.pointee.avail_out = UInt32(usable)
                    status = CZlib.inflate(stream, Z_SYNC_FLUSH)
                    return usable - Int(stream.pointee.avail_out)
                }
                if output.readableBytes > limit { return .messageTooBig(limit: limit) }
                switch status {
                case Z_OK where stream.pointee.avail_out > 0, Z_BUF_ERROR:
                    return nil
                case Z_OK:
                    continue
                case Z_STREAM_END:
                    // A final block inside the message: what follows it is a stream of its own.
                    inflateReset(stream)
                    if stream.pointee.avail_in == 0 { return nil }
                default:
                    return .invalidPayload("a message that isn't DEFLATE")
                }
            }
        }
    }
}
