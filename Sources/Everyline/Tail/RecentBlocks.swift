import NIOCore

/// The newest blocks of one log, in order and without holes, up to a number of bytes.
package struct RecentBlocks: Sendable {
    package enum Found: Sendable {
        /// What follows, in order.
        case blocks([EventBlock])
        /// Nothing follows: the offset is the newest event's.
        case upToDate
        /// The blocks don't go back that far.
        case unknown
    }

    private let limit: ByteCount
    private var blocks: [EventBlock] = []
    private var byteCount = 0

    package init(limit: ByteCount) { self.limit = limit }

    /// Adds the block that was committed last. The oldest go as soon as the limit is passed; the newest always stays.
    package mutating func add(_ block: EventBlock) {
        if let last = blocks.last, last.last != block.predecessor {
            blocks.removeAll()
            byteCount = 0
        }
        blocks.append(block)
        byteCount += block.bytes.readableBytes
        guard byteCount > limit, blocks.count > 1 else { return }
        // Cut back to half at once, so that a long series of small blocks isn't moved one by one.
        var dropped = 0
        while dropped < blocks.count - 1, byteCount > limit / 2 {
            byteCount -= blocks[dropped].bytes.readableBytes
            dropped += 1
        }
        blocks.removeFirst(dropped)
    }

    /// The whole blocks after `offset`, at least one and otherwise at most `limit` bytes.
    package func blocks(after offset: Offset, limit: ByteCount) -> Found {
        guard let oldest = blocks.first, let newest = blocks.last else { return .unknown }
        // Behind the end nothing ever comes: that is for the store to say, not for a wake-up.
        if offset == newest.last { return newest.endsLog ? .unknown : .upToDate }
        guard offset >= oldest.predecessor, offset < newest.last else { return .unknown }
        var found: [EventBlock] = []
        var size = 0
        for block in blocks[index(after: offset)...] {
            guard let rest = block.suffix(after: offset) else { continue }
            size += rest.bytes.readableBytes
            if size > limit && !found.isEmpty { break }
            found.append(rest)
        }
        return .blocks(found)
    }

    /// The index of the first block whose last event is beyond `offset`.
    private func index(after offset: Offset) -> Int {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].last > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
