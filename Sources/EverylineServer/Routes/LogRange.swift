import Everyline
import NIOCore

/// The events of an ended log from after one offset up to another, read piece by piece.
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
}
