import CZlib
import NIOCore

/// Compresses a body piece by piece in the gzip format (RFC 1952), with zlib.
final class GzipStream {
    struct Failure: Error {
        let code: Int32
    }

    private var stream = z_stream()

    init() throws {
        // 15 bits of window, and 16 more for a gzip header instead of zlib's; level 5 is a third faster than 6.
        let code = deflateInit2_(
            &stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw Failure(code: code) }
    }

    deinit { deflateEnd(&stream) }

    /// What can be sent after `piece`; may be empty until the last one.
    func compress(_ piece: ByteBuffer, isLast: Bool) throws -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: Int(deflateBound(&stream, UInt(piece.readableBytes))) + 64)
        var piece = piece
        try piece.withUnsafeMutableReadableBytes { input in
            stream.next_in = input.bindMemory(to: UInt8.self).baseAddress
            stream.avail_in = UInt32(input.count)
            repeat {
                try output.writeWithUnsafeMutableBytes(minimumWritableBytes: 4096) { space in
                    stream.next_out = space.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(space.count)
                    let code = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw Failure(code: code) }
                    return space.count - Int(stream.avail_out)
                }
            } while stream.avail_out == 0
        }
        return output
    }
}
