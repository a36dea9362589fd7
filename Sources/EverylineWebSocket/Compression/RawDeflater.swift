import CZlib
import NIOCore
import Synchronization

/// One zlib compressor, which takes one whole message after the other and remembers none of them.
final class RawDeflater: Sendable {
    let windowBits: Int
    private let stream: Mutex<UnsafeMutablePointer<z_stream>>

    /// - Parameter windowBits: 9 to 15.
    /// - Returns: `nil` if there is no memory for it.
    init?(windowBits: Int, level: Int) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Int32(level), Z_DEFLATED, Int32(-windowBits), 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.windowBits = windowBits
        self.stream = Mutex(stream)
    }

    deinit {
        stream.withLock { stream in
            deflateEnd(stream)
            stream.deallocate()
        }
    }

    /// The compressed message as RFC 7692, section 7.2.1 wants it: without the last four bytes of the flush.
    /// - Returns: `nil` if that isn't shorter.
    func deflate(_ message: ByteBuffer) -> ByteBuffer? {
        var output = ByteBufferAllocator().buffer(capacity: message.readableBytes / 4 + 64)
        let isDone = stream.withLock { stream in
            defer { deflateReset(stream) }
            return message.withUnsafeReadableBytes { input in
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
                stream.pointee.avail_in = UInt32(input.count)
                var status = Z_OK
                repeat {
                    let room = max(64, min(output.readableBytes, 256 * 1024))
                    output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { free in
                        stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        stream.pointee.avail_out = UInt32(free.count)
                        status = CZlib.deflate(stream, Z_SYNC_FLUSH)
                        return free.count - Int(stream.pointee.avail_out)
                    }
                } while status == Z_OK && stream.pointee.avail_out == 0 && output.readableBytes < input.count
                return status == Z_OK && stream.pointee.avail_out > 0
            }
        }
        guard isDone, output.readableBytes >= 4, output.readableBytes - 4 < message.readableBytes else { return nil }
        output.moveWriterIndex(to: output.writerIndex - 4)
        return output
    }
}
