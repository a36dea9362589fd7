import Everyline
import NIOCore

/// The events of a log from after one offset up to another, read piece by piece.
struct LogRange: Sendable {
    let execution: ExecutionID
    let after: Offset
    let through: Offset
    let log: any LogStore
    let limit: ByteCount

    /// Hands each block to `body` until there is no more, or `body` wants no more.
    func forEachBlock(_ body: (EventBlock) async throws -> Bool) async throws {
        var offset = after
        while offset < through {
            let read = try await log.read(execution, after: offset, limit: limit)
            guard let block = read.block?.prefix(through: through) else {
                throw LogStoreError.unavailable("the log of \(execution) lacks events after \(offset)")
            }
            offset = block.last
            guard try await body(block) else { return }
        }
    }

    /// The same range, cut so that it holds at most `bytes`, but at least one event.
    func prefix(limit bytes: ByteCount) async throws -> LogRange {
        var left = bytes
        var end = after
        try await forEachBlock { block in
            // What comes after the first event must fit as a whole.
            let part = block.prefix(limit: max(left, 1))
            guard end == after || part.bytes.readableBytes <= left else { return false }
            left -= part.bytes.readableBytes
            end = part.last
            return part.last == block.last
        }
        return LogRange(execution: execution, after: after, through: end, log: log, limit: limit)
    }
}
