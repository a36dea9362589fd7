import CZlib
import Everyline
import NIOCore
import Synchronization

/// Compresses a body piece by piece in the gzip format (RFC 1952), with zlib. The pieces may come from any thread, one at a time.
final class GzipStream: Sendable {
    struct Failure: Error {
        let code: Int32
    }

    /// What zlib keeps for one stream: a window of 32 KiB, what it has seen of it, and what it has ready.
    static let memory: ByteCount = .kibibytes(272)

    private let stream: Mutex<UnsafeMutablePointer<z_stream>>

    init() throws {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 more for a gzip header instead of zlib's; level 5 is a third faster than 6.
        let code = deflateInit2_(
            stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            stream.deallocate()
            throw Failure(code: code)
        }
        self.stream = Mutex(stream)
    }

    deinit {
        stream.withLock { stream in
            deflateEnd(stream)
            stream.deallocate()
        }
    }

    /// What can be sent after `piece`; may be empty until the last one.
    func compress(_ piece: ByteBuffer, isLast: Bool) throws -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: piece.readableBytes / 4 + 64)
        try stream.withLock { stream in
            try piece.withUnsafeReadableBytes { input in
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
                stream.pointee.avail_in = UInt32(input.count)
                repeat {
                    try output.writeWithUnsafeMutableBytes(minimumWritableBytes: 4096) { space in
                        stream.pointee.next_out = space.bindMemory(to: UInt8.self).baseAddress
                        stream.pointee.avail_out = UInt32(space.count)
                        let code = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                        guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                            throw Failure(code: code)
                        }
                        return space.count - Int(stream.pointee.avail_out)
                    }
                } while stream.pointee.avail_out == 0
            }
        }
        return output
    }
}
