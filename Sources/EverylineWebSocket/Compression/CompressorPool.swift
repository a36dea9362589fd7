import EverylineDeflate
import NIOCore
import Synchronization

/// The zlib states that all connections of a server share, so that none holds one between its messages.
///
/// A message borrows one for as long as it is coded; at most `limit` of each kind are kept while no message needs them.
final class CompressorPool: Sendable {
    private struct Idle {
        var deflaters: [Deflater] = []
        var inflaters: [Inflater] = []
    }

    private let level: Int
    private let limit: Int
    private let idle = Mutex(Idle())

    init(level: Int, limit: Int = 4) {
        self.level = level
        self.limit = limit
    }

    /// The compressed message; `nil` if that isn't shorter.
    func deflate(_ message: ByteBuffer, windowBits: Int) -> ByteBuffer? {
        let format = DeflateFormat.raw(windowBits: windowBits)
        let kept = idle.withLock { idle in
            idle.deflaters.lastIndex { $0.format == format }.map { idle.deflaters.remove(at: $0) }
        }
        // Where there is no memory for it, a message goes out as it is.
        guard let deflater = try? kept ?? Deflater(format, level: level) else { return nil }
        defer {
            idle.withLock { idle in
                // The oldest gives way, so that a window that no connection uses any more doesn't stay.
                if idle.deflaters.count >= limit { idle.deflaters.removeFirst() }
                idle.deflaters.append(deflater)
            }
        }
        return deflater.message(message)
    }

    /// The message that was compressed, in at most `limit` bytes.
    ///
    /// - Throws: ``WebSocketError/messageTooBig(limit:)`` or ``WebSocketError/invalidPayload(_:)``.
    func inflate(_ bytes: ByteBuffer, limit: Int) throws(WebSocketError) -> ByteBuffer {
        let kept = idle.withLock { $0.inflaters.popLast() }
        guard let inflater = try? kept ?? Inflater(.raw(windowBits: 15)) else { throw .messageTooBig(limit: 0) }
        defer {
            idle.withLock { idle in
                if idle.inflaters.count < self.limit { idle.inflaters.append(inflater) }
            }
        }
        return try inflater.message(bytes, limit: limit)
    }
}

extension Deflater {
    /// The compressed message as RFC 7692, section 7.2.1 wants it: without the last four bytes of the flush. Nothing of
    /// it is remembered.
    ///
    /// - Returns: `nil` if that isn't shorter.
    func message(_ message: ByteBuffer) -> ByteBuffer? {
        defer { reset() }
        var output = ByteBufferAllocator().buffer(capacity: message.readableBytes / 4 + 64)
        let isShorter = compress(message, into: &output, flush: .sync, limit: message.readableBytes + 3)
        guard isShorter, output.readableBytes >= 4 else { return nil }
        output.moveWriterIndex(to: output.writerIndex - 4)
        return output
    }
}

extension Inflater {
    /// What the sender's flush ended with, and what isn't sent.
    private static let flushTail = ByteBuffer(bytes: [0x00, 0x00, 0xFF, 0xFF])

    /// The message that `bytes` (without the last four of the flush) were. Nothing of it is remembered.
    ///
    /// Never more than `limit` bytes are produced, whatever the compressed ones promise.
    /// - Throws: ``WebSocketError/messageTooBig(limit:)``, or ``WebSocketError/invalidPayload(_:)`` for what isn't
    ///   DEFLATE.
    func message(_ bytes: ByteBuffer, limit: Int) throws(WebSocketError) -> ByteBuffer {
        defer { reset() }
        var output = ByteBufferAllocator().buffer(capacity: min(limit, max(256, 4 * bytes.readableBytes)))
        do throws(DeflateError) {
            for var piece in [bytes, Self.flushTail] {
                // A final block inside the message: what follows it is a stream of its own.
                while let rest = try inflate(piece, into: &output, limit: limit) {
                    reset()
                    guard rest > 0 else { break }
                    piece.moveReaderIndex(forwardBy: piece.readableBytes - rest)
                }
            }
        } catch {
            throw error == .tooLarge ? .messageTooBig(limit: limit) : .invalidPayload("a message that isn't DEFLATE")
        }
        return output
    }
}
