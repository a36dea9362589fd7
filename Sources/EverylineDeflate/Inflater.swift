import CZlib
package import NIOCore

/// Decompresses one stream piece by piece, with zlib. The pieces may come from any thread, one at a time.
package final class Inflater: Sendable {
    private let stream: ZlibStream

    /// - Parameter format: of the raw ones, the largest window reads what was written with any.
    package init(_ format: DeflateFormat) throws(DeflateError) {
        stream = try ZlibStream(end: inflateEnd) { stream in
            inflateInit2_(stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        }
    }

    /// Forgets the stream: the next piece begins another one.
    package func reset() { stream.withState { _ = inflateReset($0) } }

    /// Appends to `output` what comes out of `piece`.
    ///
    /// - Parameter limit: no more than this is in `output` afterwards, whatever the compressed bytes promise.
    /// - Returns: how many bytes of `piece` stand behind the stream's end; `nil` if the stream goes on.
    /// - Throws: ``DeflateError/malformed`` or ``DeflateError/tooLarge``. Then the stream is of use only after
    ///   ``reset()``.
    package func inflate(
        _ piece: ByteBuffer, into output: inout ByteBuffer, limit: Int
    ) throws(DeflateError) -> Int? {
        let result = stream.withState { stream in
            piece.withUnsafeReadableBytes { input -> Result<Int?, DeflateError> in
                stream.pointee.next_in = input.zlibStart
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
                    if output.readableBytes > limit { return .failure(.tooLarge) }
                    switch status {
                    case Z_STREAM_END: return .success(Int(stream.pointee.avail_in))
                    case Z_OK where stream.pointee.avail_out > 0, Z_BUF_ERROR: return .success(nil)
                    case Z_OK: continue
                    default: return .failure(.malformed)
                    }
                }
            }
        }
        return try result.get()
    }
}

extension ByteBuffer {
    /// These bytes as one whole stream.
    ///
    /// - Parameter level: from 1, fast, to 9, small.
    /// - Precondition: there is memory for a stream (``Deflater/memory``).
    package func deflated(as format: DeflateFormat, level: Int = 6) -> ByteBuffer {
        guard let deflater = try? Deflater(format, level: level) else {
            preconditionFailure("there is no memory to compress \(readableBytes) bytes with")
        }
        return deflater.compress(self, flush: .finish)
    }

    /// The bytes that this one whole stream was made of.
    ///
    /// - Parameter limit: more is never produced, whatever the compressed bytes promise.
    /// - Throws: ``DeflateError``.
    package func inflated(as format: DeflateFormat, limit: Int) throws(DeflateError) -> ByteBuffer {
        var output = ByteBuffer()
        guard try Inflater(format).inflate(self, into: &output, limit: limit) == 0 else { throw .malformed }
        return output
    }
}
