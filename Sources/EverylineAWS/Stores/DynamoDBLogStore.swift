package import Everyline
import NIOCore

/// Logs as blocks of compressed lines, an item each, behind a head that every append compares and sets in one
/// transaction.
///
/// Every reading is consistent. An append of any number of events costs two writes as long as they fit into one block.
package struct DynamoDBLogStore: Sendable {
    let table: DynamoDBTable
    let logLimit: ByteCount
    let now: @Sendable () -> Timestamp
    /// The block that was read last of each log. A frame to a viewer is smaller than a block, so the next reading
    /// mostly wants the rest of it; and blocks never change.
    let cache = BoundedCache<ExecutionID, EventBlock>(limit: 16)
    /// The records of executions whose ledger was read: for what never changes in them.
    let known = BoundedCache<ExecutionID, LogItem>(limit: 256)
    let incarnations: TableIncarnations

    /// - Parameters:
    ///   - logLimit: how many bytes a log may hold before only notices and the `end` are taken.
    ///   - now: the wall clock, by which records expire.
    package init(_ table: DynamoDBTable, logLimit: ByteCount, now: @escaping @Sendable () -> Timestamp) {
        self.table = table
        self.logLimit = logLimit
        self.now = now
        incarnations = TableIncarnations(table)
    }

    /// - Throws: ``LogStoreError/unknownExecution``.
    func meta(_ execution: ExecutionID) async throws -> LogItem {
        guard let item = try await table.get(RecordKey.meta(execution)) else { throw LogStoreError.unknownExecution }
        let meta = try LogItem(item, id: execution)
        guard meta.record.isKept(at: now()) else { throw LogStoreError.unknownExecution }
        return meta
    }
}

extension DynamoDBLogStore: LogReader {
    package func head(of execution: ExecutionID) async throws -> LogHead {
        try await unavailable { try await meta(execution).head.log }
    }

    package var incarnation: Incarnation? { incarnations.current }

    /// Asks the table for its incarnation, unless it is known: ``incarnation`` says it from then on.
    ///
    /// - Throws: ``LogStoreError``.
    package func learnIncarnation() async throws { _ = try await unavailable { try await incarnations.all() } }

    package func restoration(of execution: ExecutionID, since incarnation: Incarnation) async throws -> Restoration? {
        try await unavailable {
            let all = try await incarnations.all()
            return try await meta(execution).bases.restoration(since: incarnation, among: all)
        }
    }

    /// Notes where a log that is open stood when its table was put back.
    ///
    /// - Returns: `nil` if it has ended or is gone.
    func noteBase(of execution: ExecutionID, in incarnation: Incarnation) async throws -> Offset? {
        while true {
            let meta = try await meta(execution)
            guard !meta.head.log.isEnded else { return nil }
            var bases = meta.bases
            bases.add(incarnation, meta.head.log.offset)
            let isThere = DynamoDBExpression(
                "head_offset = :head AND attribute_not_exists(end_status)",
                [":head": .number(Int64(meta.head.log.offset.rawValue))])
            let change = DynamoDBExpression("SET bases = :bases", [":bases": .string(bases.text)])
            guard case .done = try await table.update(RecordKey.meta(execution), change, if: isThere) else { continue }
            return meta.head.log.offset
        }
    }

    package func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await unavailable {
            // First the head, then the blocks: those never change, so what was behind the head then still is.
            let head = try await meta(execution).head.log
            guard offset < head.offset else { return LogRead(block: nil, head: head) }
            return LogRead(block: try await read(execution, after: offset, limit: limit, head: head), head: head)
        }
    }

    package func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await unavailable {
            let head = try await meta(execution).head.log
            guard head.offset > .zero, time <= head.latest else { return head.offset }
            let block = try await firstBlock(of: execution, reaching: time, head: head)
            return try await offset(in: execution, before: time, from: block)
        }
    }
}
