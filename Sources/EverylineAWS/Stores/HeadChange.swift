import Everyline

/// Moves a log's head in the transaction that puts the blocks behind it: the compare-and-set that makes an append one.
struct HeadChange {
    let from: LogHead
    let to: LogHead
    let now: Timestamp
    let end: End?
    /// What a ledger compares and notes besides; `nil` for an append that comes from a producer.
    let ledger: (from: LedgerHead, to: LedgerHead)?

    struct End {
        let outcome: ExecutionOutcome
        let time: Timestamp

        /// - Parameter block: whose last event is the end.
        init(_ outcome: ExecutionOutcome, by block: EventBlock, of execution: Execution, at now: Timestamp) {
            self.outcome = outcome
            time = Execution.endTime(told: block.latest, started: execution.startedAt ?? now, now: now)
        }
    }

    init(from: LogHead, to: LogHead, at now: Timestamp, end: End?) {
        self.from = from
        self.to = to
        self.now = now
        self.end = end
        ledger = nil
    }

    init(_ change: LedgerChange, at now: Timestamp, end: End?) {
        from = change.from.log
        to = change.to.log
        self.now = now
        self.end = end
        ledger = (change.from, change.to)
    }

    /// The head's write, the blocks', and with the end that of the list of those that have not ended.
    func writes(_ blocks: [Attributes], _ meta: LogItem) -> [DynamoDBTable.Write] {
        var writes: [DynamoDBTable.Write] = [
            .update(RecordKey.meta(meta.execution.id), update, if: condition)
        ]
        writes += blocks.map { .put($0, if: .isAbsent) }
        if end != nil { writes.append(.delete(.init(RecordKey.active, meta.record.listSort), if: nil)) }
        return writes
    }

    /// The head is where it was read, and the log has not ended; of a ledger also what it waits for and what it keeps.
    var condition: DynamoDBExpression {
        let head = DynamoDBExpression(
            "head_offset = :from AND attribute_not_exists(end_status)", [":from": .number(Int64(from.offset.rawValue))])
        guard let from = ledger?.from else { return head }
        return head.and(
            "next_line = :from_next AND parked = :from_parked",
            [":from_next": .number(Int64(from.next)), ":from_parked": .string(LineRanges.text(from.parked))])
    }

    var update: DynamoDBExpression {
        var sets = [
            "head_offset = :head", "log_bytes = :bytes", "latest_ms = :latest",
            "started_ms = if_not_exists(started_ms, :now)",
        ]
        var values: Attributes = [
            ":head": .number(Int64(to.offset.rawValue)), ":bytes": .number(Int64(to.bytes)),
            ":latest": .number(to.latest.milliseconds), ":now": .number(now.milliseconds),
        ]
        func set(_ name: String, _ value: AttributeValue?) {
            guard let value else { return }
            sets.append("\(name) = :\(name)")
            values[":\(name)"] = value
        }
        if let ledger {
            set("next_line", .number(Int64(ledger.to.next)))
            set("parked", .string(LineRanges.text(ledger.to.parked)))
            set("source_ms", .number(ledger.to.sourceTime.milliseconds))
            if ledger.to.lost != ledger.from.lost { set("lost", .string(LineRanges.text(ledger.to.lost))) }
            if ledger.to.hasLoss { set("has_loss", .boolean(true)) }
            if ledger.to.isFull { set("is_full", .boolean(true)) }
        }
        if let end {
            let outcome = end.outcome
            set("end_status", .string(outcome.status.rawValue))
            set("exit_code", outcome.exitCode.map { .number(Int64($0)) })
            set("end_reason", (outcome.reason?.rawValue).map { .string($0) })
            set("ended_ms", .number(end.time.milliseconds))
        }
        return DynamoDBExpression("SET " + sets.joined(separator: ", "), values)
    }
}
