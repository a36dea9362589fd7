import Everyline
import Synchronization

/// The block that was read last of each of a few logs. A frame to a viewer is smaller than a block, so the next reading mostly
/// wants the rest of it. Blocks never change, so what is kept is right as long as the log is there.
final class WarmBlocks: Sendable {
    /// How many logs there are at the most: a few MiB.
    private static let limit = 16

    private let blocks = Mutex<[ExecutionID: EventBlock]>([:])

    func block(of execution: ExecutionID, holding offset: Offset) -> EventBlock? {
        blocks.withLock { blocks in
            guard let block = blocks[execution], (block.first...block.last).contains(offset) else { return nil }
            return block
        }
    }

    func keep(_ block: EventBlock, of execution: ExecutionID) {
        blocks.withLock { blocks in
            if blocks.count >= Self.limit, blocks[execution] == nil { blocks.removeAll(keepingCapacity: true) }
            blocks[execution] = block
        }
    }
}
