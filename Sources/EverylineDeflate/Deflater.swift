import CZlib
package import NIOCore
import Synchronization

/// What is around a DEFLATE stream (RFC 1951).
package enum DeflateFormat: Sendable, Hashable {
    /// Nothing. The window's size is a power of two, 9 to 15.
    case raw(windowBits: Int)
    /// RFC 1950, with a checksum.
    case zlib
    /// RFC 1952.
    case gzip

    /// As zlib's manual encodes it (`deflateInit2`, `inflateInit2`).
    var windowBits: Int32 {
        switch self {
        case .raw(let bits): Int32(-bits)
        case .zlib: 15
        case .gzip: 15 + 16
        }
    }
}

package enum DeflateError: Error, Equatable {
    /// The bytes aren't what the format allows, end too early, or are followed by others.
    case malformed
    /// More would come out than the limit allows.
    case tooLarge
    /// There is no memory for a stream.
    case noMemory
}

/// Compresses one stream piece by piece, with zlib. The pieces may come from any thread, one at a time.
package final class Deflater: Sendable {
    /// How much of a piece must have come out.
    package enum Flush: Int32, Sendable {
        /// As much as zlib likes.
        case none = 0
        /// All of it (`Z_SYNC_FLUSH`).
        case sync = 2
        /// All of it, and the stream's end.
        case finish = 4
    }

    /// What zlib keeps for one stream: a window of 32 KiB, what it has seen of it, and what it has ready.
    package static let memory = 272 * 1024

    package let format: DeflateFormat
    private let stream: ZlibStream

    /// - Parameter level: from 1, fast, to 9, small.
    package init(_ format: DeflateFormat, level: Int) throws(DeflateError) {
        self.format = format
        stream = try ZlibStream(end: deflateEnd) { stream in
            deflateInit2_(
                stream, Int32(level), Z_DEFLATED, format.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size))
        }
    }

    /// Forgets the stream: the next piece begins another one.
    package func reset() { stream.withState { _ = deflateReset($0) } }

    /// What can be sent after `piece`; may be empty unless it is flushed.
    package func compress(_ piece: ByteBuffer, flush: Flush = .none) -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: piece.readableBytes / 4 + 64)
        compress(piece, into: &output, flush: flush)
        return output
    }

    /// - Parameter limit: how much may come out.
    /// - Returns: whether it all did. If not, the stream is of use only after ``reset()``.
    @discardableResult
    package func compress(
        _ piece: ByteBuffer, into output: inout ByteBuffer, flush: Flush, limit: Int = .max
    ) -> Bool {
        stream.withState { stream in
            piece.withUnsafeReadableBytes { input in
                stream.pointee.next_in = input.zlibStart
                stream.pointee.avail_in = UInt32(input.count)
                repeat {
                    let room = max(64, min(output.readableBytes, 256 * 1024))
                    output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { free in
                        stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        stream.pointee.avail_out = UInt32(free.count)
                        // Z_BUF_ERROR says that there is nothing to do.
                        let status = deflate(stream, flush.rawValue)
                        precondition(status != Z_STREAM_ERROR, "zlib says \(status): the stream was not reset")
                        return free.count - Int(stream.pointee.avail_out)
                    }
                } while stream.pointee.avail_out == 0 && output.readableBytes <= limit
                return stream.pointee.avail_out > 0 && output.readableBytes <= limit
            }
        }
    }
}

/// zlib's state of one stream, which one thread uses at a time.
final class ZlibStream: Sendable {
    typealias State = UnsafeMutablePointer<z_stream>

    private let state: Mutex<State>
    private let end: @Sendable (State?) -> Int32

    /// - Parameters:
    ///   - end: gives back what `begin` took.
    ///   - begin: makes the state ready; it fails only where there is no memory.
    init(end: @escaping @Sendable (State?) -> Int32, begin: (State) -> Int32) throws(DeflateError) {
        let state = State.allocate(capacity: 1)
        state.initialize(to: z_stream())
        guard begin(state) == Z_OK else {
            state.deallocate()
            throw .noMemory
        }
        self.state = Mutex(state)
        self.end = end
    }

    deinit {
        state.withLock { state in
            _ = end(state)
            state.deallocate()
        }
    }

    func withState<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
}

extension UnsafeRawBufferPointer {
    /// zlib reads through a pointer that its interface of 1995 doesn't call constant.
    var zlibStart: UnsafeMutablePointer<UInt8>? {
        UnsafeMutablePointer(mutating: baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}
