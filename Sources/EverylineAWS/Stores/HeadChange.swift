import Everyline

/// Moves a log's head in the transaction that puts the blocks behind it: the compare-and-set that makes an append one.
struct HeadChange {
    let from: LogHead
    let to: LogHead
    let now: Timestamp
    let end: End?
    /// What a ledger notes besides; `nil` for an append that comes from a producer.
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

    init(from: LedgerHead, to: LedgerHead, at now: Timestamp, end: End?) {
        self.from = from.log
        self.to = to.log
        self.now = now
        self.end = end
        ledger = (from, to)
    }

    /// The head's write, the blocks', and with the end that of the list of those that have not ended.
    func writes(_ blocks: [Attributes], _ meta: ExecutionItem) -> [DynamoDBTable.Write] {
        var writes: [DynamoDBTable.Write] = [
            .update(RecordKey.meta(meta.execution.id), update, if: condition)
        ]
        writes += blocks.map { .put($0, if: .isAbsent) }
        if end != nil { writes.append(.delete(.init(RecordKey.active, meta.listSort), if: nil)) }
        return writes
    }

    /// The head is where it was read, and the log has not ended. A ledger that knows of no sentinel knows it still.
    var condition: DynamoDBExpression {
        var text = "head_offset = :from AND attribute_not_exists(end_status)"
        if let ledger, ledger.from.sentinel == nil { text += " AND attribute_not_exists(sentinel_lines)" }
        return DynamoDBExpression(text, [":from": .number(Int64(from.offset.rawValue))])
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
            set("line_count", .number(Int64(ledger.to.lines)))
            if ledger.from.sentinel == nil {
                set("sentinel_lines", ledger.to.sentinel.map { .number(Int64($0.lines)) })
            }
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
