package import Everyline
import NIOCore

extension DynamoDBLogStore: LogStore {
    /// Appends to each execution by itself, in the order given: a transaction for each append, or several for one that
    /// is larger than a transaction may be. (The rule that decides takes the rest of a body whose start is held, so a
    /// crash between two of them leaves a log that is right and a retry that completes it.)
    ///
    /// What can't be done now is the result of the one append, and of those behind it in the same log.
    package func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        let order = Dictionary(grouping: appends.indices, by: { appends[$0].execution })
        return try await withThrowingTaskGroup(of: [(Int, Result<Appended, LogStoreError>)].self) { group in
            for (_, indices) in order {
                group.addTask {
                    var results: [(Int, Result<Appended, LogStoreError>)] = []
                    for index in indices {
                        do {
                            results.append((index, .success(try await append(appends[index], at: now))))
                        } catch let error as LogStoreError {
                            results.append((index, .failure(error)))
                        }
                    }
                    return results
                }
            }
            var results = [Result<Appended, LogStoreError>?](repeating: nil, count: appends.count)
            for try await part in group {
                for (index, result) in part { results[index] = result }
            }
            return results.compactMap { $0 }
        }
    }

    /// How often the head may move away under an append before it is given up.
    private static let attempts = 16
    /// What the blocks of one transaction may hold, compressed: less than the service's 4 MB also where those are
    /// counted as they travel, in base64.
    static let transactionBytes: ByteCount = 2_800_000

    private func append(_ append: LogAppend, at now: Timestamp) async throws -> Appended {
        try await unavailable {
            for _ in 0..<Self.attempts {
                let meta = try await meta(append.execution)
                let head = meta.head.log
                let isStopRequested = meta.execution.status == .terminating
                switch try await decide(append, to: meta) {
                case .refuse(let error):
                    throw error
                case .held:
                    if meta.execution.startedAt == nil { try await start(append.execution, at: now) }
                    return Appended(head: head, block: nil, isStopRequested: isStopRequested)
                case .add(let block):
                    let parts = try Transaction.cut(block, of: meta)
                    guard try await commit(parts, of: append, to: meta, at: now) else { continue }
                    return Appended(head: head.adding(block), block: block, isStopRequested: isStopRequested)
                }
            }
            throw LogStoreError.unavailable("too many append to the same log")
        }
    }

    /// What the log holds up to the head never changes, so it is compared before the transaction that compares the
    /// head.
    private func decide(_ append: LogAppend, to meta: LogItem) async throws -> AppendRule.Decision {
        let head = meta.head.log
        var restoration: Restoration?
        if let known = append.incarnation {
            restoration = try meta.bases.restoration(since: known, among: try await incarnations.all())
        }
        var rule = AppendRule(append, at: head, limit: logLimit, restoration: restoration)
        while let wanted = rule.wanted {
            rule.compare(try await read(append.execution, after: wanted.offset, limit: wanted.limit, head: head))
        }
        return rule.decision
    }

    /// - Returns: `false` if the head has moved away before the first part.
    private func commit(
        _ parts: [Transaction], of append: LogAppend, to meta: LogItem, at now: Timestamp
    ) async throws -> Bool {
        var head = meta.head.log
        for (index, part) in parts.enumerated() {
            let next = head.adding(part.events)
            let outcome = part.events.endsLog ? append.body.outcome : nil
            let end = outcome.map { HeadChange.End($0, by: part.events, of: meta.execution, at: now) }
            let change = HeadChange(from: head, to: next, at: now, end: end)
            guard try await table.transact(change.writes(part.items, meta), token: Self.token()) == .done else {
                if index == 0 { return false }
                throw LogStoreError.unavailable("another producer appends to the same log")
            }
            head = next
        }
        return true
    }

    /// An empty body is a sign that the producer is there.
    private func start(_ execution: ExecutionID, at now: Timestamp) async throws {
        try await table.update(
            RecordKey.meta(execution),
            DynamoDBExpression(
                "SET started_ms = if_not_exists(started_ms, :now)", [":now": .number(now.milliseconds)]),
            if: .isPresent)
    }

    /// By which DynamoDB knows a transaction again.
    static func token() -> String {
        var generator = SystemGenerator()
        return (0..<2).map { _ in String(generator.next() as UInt64, radix: 16) }.joined()
    }

    /// As many of a block's items as one transaction takes.
    struct Transaction {
        let events: EventBlock
        let items: [Attributes]

        static func cut(_ block: EventBlock, of meta: LogItem) throws -> [Transaction] {
            let items = try BlockItem.items(
                block, of: meta.execution.id, runningMaximum: max(block.latest, meta.head.log.latest),
                expires: meta.record.expires, format: meta.record.format)
            var parts: [Transaction] = []
            var (start, size) = (items.startIndex, 0)
            func take(to end: Int) throws {
                let bounds = (
                    try BlockItem.Bounds(items[start]), try BlockItem.Bounds(items[end - 1])
                )
                guard
                    let events = block.suffix(after: bounds.0.predecessor)?.prefix(through: bounds.1.last)
                else { preconditionFailure("a block was cut into other events than its own") }
                parts.append(Transaction(events: events, items: Array(items[start..<end])))
            }
            for (index, item) in items.enumerated() {
                let bytes = try BlockItem.byteCount(of: item)
                // One write is the head's, one more the end's.
                let isFull = size + bytes > transactionBytes || index - start >= DynamoDBTable.transactionWrites - 2
                if index > start, isFull {
                    try take(to: index)
                    (start, size) = (index, 0)
                }
                size += bytes
            }
            try take(to: items.count)
            return parts
        }
    }
}
