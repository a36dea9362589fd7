import CZlib
import Everyline
import NIOCore

/// Compresses and decompresses whole buffers.
enum Zlib {
    /// What is around the DEFLATE stream.
    enum Wrapping: Int32 {
        /// RFC 1950, with a checksum.
        case zlib = 15
        /// RFC 1952.
        case gzip = 31
    }

    enum Failure: Error, Equatable {
        case malformed
        case tooLarge
    }

    /// - Parameter level: from 1, fast, to 9, small.
    static func deflate(_ input: ByteBuffer, as wrapping: Wrapping = .zlib, level: Int32 = 6) -> ByteBuffer {
        var stream = z_stream()
        let status = deflateInit2_(
            &stream, level, Z_DEFLATED, wrapping.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "there is no memory to compress with")
        defer { deflateEnd(&stream) }
        var output = ByteBuffer()
        let bound = Int(deflateBound(&stream, UInt(input.readableBytes)))
        input.withUnsafeReadableBytes { input in
            stream.next_in = input.zlibStart
            stream.avail_in = UInt32(input.count)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { free in
                stream.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(free.count)
                let status = CZlib.deflate(&stream, Z_FINISH)
                precondition(status == Z_STREAM_END, "zlib's bound is no bound")
                return free.count - Int(stream.avail_out)
            }
        }
        return output
    }

    /// - Parameter limit: more is never produced, whatever the compressed bytes promise.
    static func inflate(
        _ input: ByteBuffer, as wrapping: Wrapping = .zlib, limit: ByteCount
    ) throws(Failure) -> ByteBuffer {
        var stream = z_stream()
        let status = inflateInit2_(
            &stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "there is no memory to decompress with")
        defer { inflateEnd(&stream) }
        var output = ByteBuffer()
        let failure = input.withUnsafeReadableBytes { input in
            stream.next_in = input.zlibStart
            stream.avail_in = UInt32(input.count)
            return fill(&output, from: &stream, limit: limit)
        }
        if let failure { throw failure }
        return output
    }

    private static func fill(_ output: inout ByteBuffer, from stream: inout z_stream, limit: ByteCount) -> Failure? {
        while true {
            var status = Z_OK
            // One byte more than the limit shows that it is passed.
            let allowed = limit + 1 - output.readableBytes
            let room = min(allowed, max(4096, output.readableBytes))
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { free in
                let usable = min(free.count, allowed)
                stream.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(usable)
                status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return usable - Int(stream.avail_out)
            }
            if output.readableBytes > limit { return .tooLarge }
            switch status {
            case Z_STREAM_END: return stream.avail_in == 0 ? nil : .malformed
            case Z_OK: continue
            default: return .malformed
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// zlib reads through a pointer that its interface of 1995 doesn't call constant.
    fileprivate var zlibStart: UnsafeMutablePointer<UInt8>? {
        UnsafeMutablePointer(mutating: baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}
