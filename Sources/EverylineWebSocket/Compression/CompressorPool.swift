import NIOCore
import Synchronization

/// The zlib states that all connections of a server share, so that none holds one between its messages.
///
/// A message borrows one for as long as it is coded; at most `limit` of each kind are kept while no message needs them.
final class CompressorPool: Sendable {
    private struct Idle {
        var deflaters: [RawDeflater] = []
        var inflaters: [RawInflater] = []
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
        let kept = idle.withLock { idle in
            idle.deflaters.lastIndex { $0.windowBits == windowBits }.map { idle.deflaters.remove(at: $0) }
        }
        guard let deflater = kept ?? RawDeflater(windowBits: windowBits, level: level) else { return nil }
        defer {
            idle.withLock { idle in
                // The oldest gives way, so that a window that no connection uses any more doesn't stay.
                if idle.deflaters.count >= limit { idle.deflaters.removeFirst() }
                idle.deflaters.append(deflater)
            }
        }
        return deflater.deflate(message)
    }

    /// The message that was compressed, in at most `limit` bytes.
    ///
    /// - Throws: ``WebSocketError/messageTooBig(limit:)`` or ``WebSocketError/invalidPayload(_:)``.
    func inflate(_ bytes: ByteBuffer, limit: Int) throws(WebSocketError) -> ByteBuffer {
        guard let inflater = idle.withLock({ $0.inflaters.popLast() }) ?? RawInflater() else {
            throw .messageTooBig(limit: 0)
        }
        defer {
            idle.withLock { idle in
                if idle.inflaters.count < self.limit { idle.inflaters.append(inflater) }
            }
        }
        return try inflater.inflate(bytes, limit: limit)
    }
}
