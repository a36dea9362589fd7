import Everyline
import NIOCore

extension DynamoDBLogStore {
    /// Joins stored blocks into one of at most `limit` bytes, or of one event that is longer.
    ///
    /// - Precondition: the log holds something after `offset`.
    func read(
        _ execution: ExecutionID, after offset: Offset, limit: ByteCount, head: LogHead
    ) async throws -> EventBlock {
        var last = offset
        var latest = Timestamp.epoch
        var bytes = ByteBuffer()
        // Small blocks are fetched in ever larger pages, but one that fills the answer comes alone.
        var pageSize = 1
        while last < head.offset, bytes.readableBytes < limit {
            for stored in try await fetch(execution, from: last.next, pageSize: pageSize) {
                guard stored.first <= last.next, let rest = stored.suffix(after: last)?.prefix(through: head.offset)
                else { throw Self.hole }
                let space = limit - bytes.readableBytes
                // Nothing but the first event may be longer than what is left.
                let piece = rest.prefix(limit: space)
                guard piece.bytes.readableBytes <= space || last == offset else {
                    return block(after: offset, last, latest, head, bytes)
                }
                bytes.writeImmutableBuffer(piece.bytes)
                last = piece.last
                latest = max(latest, stored.latest)
                if last < rest.last || last == head.offset { return block(after: offset, last, latest, head, bytes) }
            }
            pageSize = min(pageSize * 4, 256)
        }
        return block(after: offset, last, latest, head, bytes)
    }

    /// The blocks from the one that holds `offset` on, at least one; without asking, if that one was read last.
    private func fetch(
        _ execution: ExecutionID, from offset: Offset, pageSize: Int
    ) async throws -> [EventBlock] {
        if let block = cache[execution], (block.first...block.last).contains(offset) { return [block] }
        var query = blocks(of: execution, from: offset)
        query.limit = pageSize
        let blocks = try await table.query(query).items.map { try BlockItem($0).events }
        guard let last = blocks.last else { throw Self.hole }
        cache[execution] = last
        return blocks
    }

    private func block(
        after offset: Offset, _ last: Offset, _ latest: Timestamp, _ head: LogHead, _ bytes: ByteBuffer
    ) -> EventBlock {
        EventBlock(
            first: offset.next, last: last, latest: latest, endsLog: head.isEnded && last == head.offset, bytes: bytes)
    }

    /// The blocks from the one that holds `offset` on.
    func blocks(of execution: ExecutionID, from offset: Offset) -> DynamoDBTable.Query {
        .init(
            RecordKey.partition(execution),
            DynamoDBExpression(
                "sk BETWEEN :from AND :end",
                [":from": .string(RecordKey.blockSort(offset)), ":end": .string(RecordKey.blocksEnd)]))
    }

    /// The first block whose running maximum is not before `time`, found by halving: the maxima never go back.
    ///
    /// - Precondition: the log's last block is such a block.
    func firstBlock(of execution: ExecutionID, reaching time: Timestamp, head: LogHead) async throws -> Offset {
        // Every block that ends at or before `low` is earlier than `time`; the one that begins behind `high` is not.
        var (low, high) = (Offset.zero, head.offset)
        while low < high {
            let middle = Offset(low.rawValue + (high.rawValue - low.rawValue + 1) / 2)
            var query = blocks(of: execution, from: middle)
            query.limit = 1
            query.projection = BlockItem.Bounds.projection
            guard let item = try await table.query(query).items.first else { throw Self.hole }
            let bounds = try BlockItem.Bounds(item)
            guard bounds.first <= middle else { throw Self.hole }
            if bounds.runningMaximum >= time {
                high = bounds.predecessor
            } else {
                low = bounds.last
            }
        }
        return high
    }

    /// The offset before the first event after `start` that is not older than `time`.
    ///
    /// - Precondition: there is one.
    func offset(in execution: ExecutionID, before time: Timestamp, from start: Offset) async throws -> Offset {
        var last = start
        while true {
            var query = blocks(of: execution, from: last.next)
            query.limit = 1
            // What a block says of its time may be true of a later one only: both were cut from one append.
            guard let item = try await table.query(query).items.first else { throw Self.hole }
            let stored = try BlockItem(item).events
            guard stored.predecessor == last else { throw Self.hole }
            var found: Offset?
            try stored.forEachLine { offset, line in
                guard found == nil, try LogEvent(line: line).timestamp >= time else { return }
                found = Offset(offset.rawValue - 1)
            }
            if let found { return found }
            last = stored.last
        }
    }

    static let hole = LogStoreError.unavailable("the log's blocks are damaged")
}
