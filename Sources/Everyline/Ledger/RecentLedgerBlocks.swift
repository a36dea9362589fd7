import Synchronization

/// The newest block of a few ledgers, as this process appended it: usually all that a search for duplicates needs. Blocks
/// never change, so what is here can't be out of date; it can only not be the newest any more.
final class RecentLedgerBlocks: Sendable {
    private let limit: Int
    private let blocks = Mutex<[ExecutionID: LedgerBlock]>([:])

    /// - Parameter limit: of how many executions it keeps a block.
    init(limit: Int = 64) { self.limit = limit }

    func keep(_ block: LedgerBlock, of execution: ExecutionID) {
        blocks.withLock { blocks in
            if block.events.endsLog {
                blocks[execution] = nil
            } else {
                if blocks[execution] == nil, blocks.count >= limit { blocks.removeAll(keepingCapacity: true) }
                blocks[execution] = block
            }
        }
    }

    func block(of execution: ExecutionID, holding offset: Offset) -> LedgerBlock? {
        blocks.withLock { blocks in
            guard let block = blocks[execution], (block.events.first...block.events.last).contains(offset) else {
                return nil
            }
            return block
        }
    }
}
