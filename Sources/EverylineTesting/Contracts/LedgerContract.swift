package import Everyline

/// One sentence of ``Ledger``'s contract, and how to hold an adapter against it. Each case wants an adapter without data.
package struct LedgerContractCase: Sendable, CustomStringConvertible {
    package let description: String
    package let check: @Sendable (Ports) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (Ports) async throws -> Void) {
        self.description = sentence
        self.check = check
    }

    /// The ports over one set of data.
    package struct Ports: Sendable {
        package let ledger: any Ledger
        package let executions: any ExecutionStore

        package init(ledger: any Ledger, executions: any ExecutionStore) {
            self.ledger = ledger
            self.executions = executions
        }

        func begin(_ id: String = "e") async throws -> ExecutionID {
            let execution = Sample.execution(id)
            _ = try await executions.create(execution, appendToken: Sample.hash("t"), idempotency: nil)
            return execution.id
        }

        @discardableResult
        func append(_ append: LedgerAppend, to id: ExecutionID, at now: Int64 = 5000) async throws -> LedgerHead? {
            try await ledger.append(append, to: id, at: Timestamp(milliseconds: now))
        }
    }

    package static let all = [
        LedgerContractCase("an append behind the head is added and moves it; what is read back is the block as it was")
        {
            let id = try await $0.begin()
            try expectEqual(try await $0.ledger.ledgerHead(of: id), LedgerHead())
            let first = Sample.ledgerAppend(["a", "b"], after: 0, at: 10)
            let head = try await $0.append(first, to: id)
            try expectEqual(head?.log.offset, Offset(2))
            try expectEqual(head?.lines, 2)
            try expectEqual(head?.log.latest, Timestamp(milliseconds: 10))
            try expectEqual(try await $0.ledger.ledgerHead(of: id), head)
            try expectEqual(try await $0.ledger.head(of: id), head?.log)
            let second = Sample.ledgerAppend(["c"], after: 2, at: 5, latest: 10)
            try await $0.append(second, to: id)
            try expectEqual(try await $0.ledger.block(of: id, holding: .zero), nil)
            for offset in [1, 2] as [UInt64] {
                try expectEqual(try await $0.ledger.block(of: id, holding: Offset(offset)), first.block)
            }
            try expectEqual(try await $0.ledger.block(of: id, holding: Offset(3)), second.block)
            try expectEqual(try await $0.ledger.block(of: id, holding: Offset(4)), nil)
            try expectEqual(try await $0.executions.execution(id).head, Offset(3))
        },
        LedgerContractCase("an append after any other offset than the head is refused and changes nothing") { ports in
            let id = try await ports.begin()
            try await ports.append(Sample.ledgerAppend(["a", "b"], after: 0), to: id)
            let before = try await ports.ledger.ledgerHead(of: id)
            for after in [0, 1, 3] as [UInt64] {
                try expectEqual(try await ports.append(Sample.ledgerAppend(["x"], after: after), to: id), nil)
            }
            try expectEqual(try await ports.ledger.ledgerHead(of: id), before)
            let read = try await ports.ledger.read(id, after: .zero, limit: 1000)
            try expectEqual(
                try read.block.map { try LogEvent.decode(lines: $0.bytes).compactMap(\.message) }, ["a", "b"])
        },
        LedgerContractCase("a first append makes an execution RUNNING; one that is to stop stays TERMINATING") {
            ports in
            let (id, other) = (try await ports.begin(), try await ports.begin("other"))
            _ = try await ports.executions.requestStop(other, at: .epoch)
            for id in [id, other] { try await ports.append(Sample.ledgerAppend(["a"], after: 0), to: id, at: 4000) }
            try expectEqual(try await ports.executions.execution(id).status, .running)
            try expectEqual(try await ports.executions.execution(id).startedAt, Timestamp(milliseconds: 4000))
            try expectEqual(try await ports.executions.execution(other).status, .terminating)
        },
        LedgerContractCase("the end and the status are written together, and nothing follows") { ports in
            let id = try await ports.begin()
            try await ports.append(Sample.ledgerAppend(["a"], after: 0), to: id)
            let end = Sample.ledgerAppend([], after: 1, at: 5500, end: Sample.success.verified(true))
            let head = try await ports.append(end, to: id, at: 6000)
            try expectEqual(head?.log.isEnded, true)
            let execution = try await ports.executions.execution(id)
            try expectEqual(execution.status, .succeeded)
            try expectEqual(execution.exitCode, 0)
            try expectEqual(execution.endedAt, Timestamp(milliseconds: 5500))
            try expectEqual(execution.head, Offset(2))
            for append in [Sample.ledgerAppend(["x"], after: 2), end, Sample.ledgerAppend([], after: 2, sentinel: 5)] {
                try expectEqual(try await ports.append(append, to: id), nil)
            }
            try expectEqual(try await ports.ledger.read(id, after: Offset(1), limit: 1000).block?.endsLog, true)
        },
        LedgerContractCase("the runner's last line is noted without a block, and stays as it was noted first") {
            ports in
            let id = try await ports.begin()
            let noted = try await ports.append(Sample.ledgerAppend([], after: 0, sentinel: 7), to: id)
            try expectEqual(noted?.sentinel, FinalSentinel(lines: 7))
            try expectEqual(noted?.log.offset, .zero)
            try await ports.append(Sample.ledgerAppend(["a"], after: 0), to: id)
            try await ports.append(Sample.ledgerAppend(["b"], after: 1, sentinel: 9), to: id)
            let head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head.sentinel, FinalSentinel(lines: 7))
            try expectEqual(head.lines, 2)
            try expectEqual(head.isFull, false)
        },
        LedgerContractCase("an event that was cut into parts counts as one line") { ports in
            let id = try await ports.begin()
            let append = Sample.ledgerAppend(["a", "b", "c"], after: 0)
            try await ports.append(
                LedgerAppend(after: .zero, block: append.block, lines: 1, isNoticeOfFull: true), to: id)
            let head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head.lines, 1)
            try expectEqual(head.isFull, true)
        },
        LedgerContractCase("reading after any offset gives exactly what follows, in any step") { ports in
            let id = try await ports.begin()
            var head: UInt64 = 0
            for size in [1, 3, 1, 20, 2] as [UInt64] {
                let messages = (1...size).map { "line \(head + $0)" }
                try await ports.append(Sample.ledgerAppend(messages, after: head), to: id)
                head += size
            }
            for after in 0...head {
                for limit in [1, 200, 100_000] {
                    var (cursor, texts) = (Offset(after), [String]())
                    while let block = try await ports.ledger.read(id, after: cursor, limit: limit).block {
                        try expectEqual(block.predecessor, cursor)
                        texts += try LogEvent.decode(lines: block.bytes).compactMap(\.message)
                        cursor = block.last
                    }
                    try expectEqual(texts, (after..<head).map { "line \($0 + 1)" })
                }
            }
        },
        LedgerContractCase("of appends that race for one head, one wins, and none is lost or doubled") { ports in
            let id = try await ports.begin()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var won = 0
                        while won < 5 {
                            let head = try await ports.ledger.ledgerHead(of: id).log
                            let append = Sample.ledgerAppend(["\(writer):\(won)"], after: head.offset.rawValue)
                            if try await ports.append(append, to: id) != nil { won += 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head.log.offset, Offset(40))
            try expectEqual(head.lines, 40)
            var ids: Set<String> = []
            for offset in 1...40 as ClosedRange<UInt64> {
                ids.formUnion(try await ports.ledger.block(of: id, holding: Offset(offset))?.eventIDs ?? [])
            }
            try expectEqual(ids.count, 40)
        },
        LedgerContractCase("what doesn't exist is unknown") { ports in
            let id = Sample.id("nobody")
            try await expectThrow(LogStoreError.unknownExecution) { try await ports.ledger.ledgerHead(of: id) }
            try await expectThrow(LogStoreError.unknownExecution) { try await ports.ledger.head(of: id) }
            try await expectThrow(LogStoreError.unknownExecution) {
                try await ports.append(Sample.ledgerAppend(["a"], after: 0), to: id)
            }
        },
    ]
}

extension Sample {
    /// An append of one block of lines, each with its message as its event id, and with the end behind them.
    package static func ledgerAppend(
        _ messages: [String], after head: UInt64, at time: Int64 = 2000, latest: Int64 = 0, sentinel: Int? = nil,
        end: ExecutionOutcome? = nil
    ) -> LedgerAppend {
        var encoder = BlockEncoder(after: Offset(head))
        for message in messages {
            encoder.appendLine(
                LogLine(message: message, eventID: message), timestamp: Timestamp(milliseconds: time))
        }
        if let end { encoder.appendEnd(end, timestamp: Timestamp(milliseconds: time)) }
        let block = encoder.finish().map {
            LedgerBlock(events: $0, eventIDs: messages, runningMaximum: Timestamp(milliseconds: max(time, latest)))
        }
        return LedgerAppend(
            after: Offset(head), block: block, lines: messages.count,
            sentinel: sentinel.map { FinalSentinel(lines: $0) },
            outcome: end)
    }
}
