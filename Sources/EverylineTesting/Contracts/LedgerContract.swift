package import Everyline

/// One sentence of ``Ledger``'s contract, and how to hold an adapter against it. Each case wants an adapter without
/// data.
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
        func write(_ change: LedgerChange, to id: ExecutionID, at now: Int64 = 5000) async throws -> Bool {
            try await ledger.write(change, to: id, at: Timestamp(milliseconds: now))
        }

        /// Appends lines behind the head, whatever it is.
        func append(_ messages: [String], to id: ExecutionID, end: ExecutionOutcome? = nil) async throws -> Bool {
            let head = try await ledger.ledgerHead(of: id)
            return try await write(Sample.ledgerChange(messages, at: head, end: end), to: id)
        }

        func texts(of id: ExecutionID) async throws -> [String] {
            var (texts, last) = ([String](), Offset.zero)
            while let block = try await ledger.read(id, after: last, limit: .mebibytes(1)).block {
                texts += try LogEvent.decode(lines: block.bytes).compactMap(\.message)
                last = block.last
            }
            return texts
        }
    }

    package static let all = [
        LedgerContractCase("a change of what was read is carried out whole, and is what is read then") { ports in
            let id = try await ports.begin()
            var head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual([head.next, UInt64(head.parked.count + head.lost.count)], [1, 0])
            let first = Sample.ledgerChange(["a", "b"], at: head, time: 10)
            try expectEqual(try await ports.write(first, to: id), true)
            head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head, first.to)
            try expectEqual(try await ports.ledger.head(of: id), first.to.log)
            var to = head
            (to.lost, to.hasLoss, to.isFull, to.next) = ([3...3, 5...9], true, true, 10)
            let noted = LedgerChange(from: head, to: to)
            try expectEqual(try await ports.write(noted, to: id), true)
            try expectEqual(try await ports.ledger.ledgerHead(of: id), to)
            try expectEqual(try await ports.texts(of: id), ["a", "b"])
            try expectEqual(try await ports.executions.execution(id).head, Offset(2))
        },
        LedgerContractCase("a change of anything else is refused and changes nothing") { ports in
            let id = try await ports.begin()
            try expectEqual(try await ports.append(["a", "b"], to: id), true)
            let head = try await ports.ledger.ledgerHead(of: id)
            var other = [head, head, head]
            other[0].log.offset = Offset(1)
            other[1].next = 2
            other[2].parked = [7...8]
            for stale in other {
                try expectEqual(try await ports.write(Sample.ledgerChange(["x"], at: stale), to: id), false)
            }
            try expectEqual(try await ports.ledger.ledgerHead(of: id), head)
            try expectEqual(try await ports.texts(of: id), ["a", "b"])
        },
        LedgerContractCase("a run that came too early is kept as it was, and goes with the change that takes it") {
            ports in
            let id = try await ports.begin()
            let run = Sample.run(["c", "", "\u{1}\u{1E}ü"], from: 3)
            var from = try await ports.ledger.ledgerHead(of: id)
            var to = from
            to.parked = [run.lines]
            try expectEqual(try await ports.write(LedgerChange(from: from, to: to, parks: run), to: id), true)
            try expectEqual(try await ports.ledger.parked(run.lines, of: id), run)
            try expectEqual(try await ports.ledger.parked(3...4, of: id), nil)
            // Its writer didn't know of the run.
            try expectEqual(try await ports.write(Sample.ledgerChange(["a"], at: from), to: id), false)
            from = try await ports.ledger.ledgerHead(of: id)
            var change = Sample.ledgerChange(["a", "b"], at: from)
            to = change.to
            to.parked = []
            change = LedgerChange(from: from, to: to, block: change.block)
            try expectEqual(try await ports.write(change, to: id), true)
            try expectEqual(try await ports.ledger.parked(run.lines, of: id), nil)
        },
        LedgerContractCase("a first append makes an execution RUNNING; one that is to stop stays TERMINATING") {
            ports in
            let (id, other) = (try await ports.begin(), try await ports.begin("other"))
            _ = try await ports.executions.requestStop(other, by: Sample.user("u"), at: .epoch)
            try expectEqual(try await ports.ledger.ledgerHead(of: other).isStopRequested, true)
            for id in [id, other] {
                let head = try await ports.ledger.ledgerHead(of: id)
                try await ports.write(Sample.ledgerChange(["a"], at: head), to: id, at: 4000)
            }
            try expectEqual(try await ports.executions.execution(id).status, .running)
            try expectEqual(try await ports.executions.execution(id).startedAt, Timestamp(milliseconds: 4000))
            try expectEqual(try await ports.executions.execution(other).status, .terminating)
        },
        LedgerContractCase("the end and the status are written together, and nothing follows") { ports in
            let id = try await ports.begin()
            try expectEqual(try await ports.append(["a"], to: id), true)
            var head = try await ports.ledger.ledgerHead(of: id)
            let end = Sample.ledgerChange([], at: head, time: 5500, end: Sample.success.verified(true))
            try await ports.write(end, to: id, at: 6000)
            head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head.log.isEnded, true)
            let execution = try await ports.executions.execution(id)
            try expectEqual(execution.status, .succeeded)
            try expectEqual(execution.exitCode, 0)
            try expectEqual(execution.endedAt, Timestamp(milliseconds: 5500))
            try expectEqual(execution.head, Offset(2))
            for change in [Sample.ledgerChange(["x"], at: head), end, LedgerChange(from: head, to: head)] {
                try expectEqual(try await ports.write(change, to: id), false)
            }
            try expectEqual(try await ports.ledger.read(id, after: Offset(1), limit: 1000).block?.endsLog, true)
        },
        LedgerContractCase("reading after any offset gives exactly what follows, in any step") { ports in
            let id = try await ports.begin()
            var head: UInt64 = 0
            for size in [1, 3, 1, 20, 2] as [UInt64] {
                let messages = (1...size).map { "line \(head + $0)" }
                try expectEqual(try await ports.append(messages, to: id), true)
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
        LedgerContractCase("of changes that race for one head, one wins, and none is lost or doubled") { ports in
            let id = try await ports.begin()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var won = 0
                        while won < 5 {
                            if try await ports.append(["\(writer):\(won)"], to: id) { won += 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let head = try await ports.ledger.ledgerHead(of: id)
            try expectEqual(head.log.offset, Offset(40))
            try expectEqual(head.next, 41)
            try expectEqual(Set(try await ports.texts(of: id)).count, 40)
        },
        LedgerContractCase("what doesn't exist is unknown") { ports in
            let id = Sample.id("unknown")
            try await expectThrow(LogStoreError.unknownExecution) { try await ports.ledger.ledgerHead(of: id) }
            try await expectThrow(LogStoreError.unknownExecution) { try await ports.ledger.head(of: id) }
            try await expectThrow(LogStoreError.unknownExecution) {
                try await ports.write(Sample.ledgerChange(["a"], at: LedgerHead()), to: id)
            }
        },
    ]
}

extension Sample {
    /// An append of one block of lines at a head, and with the end behind them.
    package static func ledgerChange(
        _ messages: [String], at head: LedgerHead, time: Int64 = 2000, end: ExecutionOutcome? = nil
    ) -> LedgerChange {
        var encoder = BlockEncoder(after: head.log.offset)
        for message in messages {
            encoder.appendLine(LogLine(message: message), timestamp: Timestamp(milliseconds: time))
        }
        if let end { encoder.appendEnd(end, timestamp: Timestamp(milliseconds: time)) }
        var to = head
        let block = encoder.finish()
        if let block { to.log = head.log.adding(block) }
        to.next += UInt64(messages.count)
        to.sourceTime = Timestamp(milliseconds: time)
        return LedgerChange(from: head, to: to, block: block, outcome: end)
    }

    /// Lines that follow one another from a number on.
    package static func run(_ texts: [String], from first: UInt64, at time: Int64 = 2000) -> SourceRun {
        let events = texts.enumerated().map {
            SourceEvent(first + UInt64($0), .line, $1, at: Timestamp(milliseconds: time))
        }
        return SourceRun(lines: first...(first + UInt64(texts.count) - 1), events: events)
    }
}
