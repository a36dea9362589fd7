import Everyline

extension ContractCase {
    /// What ``LogStore/append(_:at:)`` promises.
    static let appending = [
        ContractCase("an append after the head is added, and the head moves") { stores in
            let id = try await stores.begin()
            let first = try await stores.append(["a", "b"], to: id, after: 0)
            try expectEqual(first.head.offset, Offset(2))
            try expectEqual(first.block?.count, 2)
            let second = try await stores.append(["c"], to: id, after: 2)
            try expectEqual(second.head.offset, Offset(3))
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["a", "b", "c"])
            let head = try await stores.log.head(of: id)
            try expectEqual(head, second.head)
            try expectEqual(try await stores.executions.execution(id).head, Offset(3))
            try expectEqual(try await stores.executions.execution(id).logBytes, head.bytes)
        },
        ContractCase("a retry adds nothing, a longer one only what is new") { stores in
            let id = try await stores.begin()
            try await stores.append(["a", "b"], to: id, after: 0)
            let retry = try await stores.append(["a", "b"], to: id, after: 0)
            try expectEqual(retry.block, nil)
            try expectEqual(retry.head.offset, Offset(2))
            let longer = try await stores.append(["a", "b", "c"], to: id, after: 0)
            try expectEqual(longer.block?.first, Offset(3))
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["a", "b", "c"])
        },
        ContractCase("other content under an offset that is taken is refused with the head, and changes nothing") {
            stores in
            let id = try await stores.begin()
            try await stores.append(["a", "b", "c"], to: id, after: 0)
            for (messages, head) in [(["x"], 0), (["a", "x"], 0), (["b", "x", "d"], 1), (["c", "c", "c"], 0)] {
                try await expectThrow(LogStoreError.differentContent(head: Offset(3))) {
                    try await stores.append(messages, to: id, after: UInt64(head))
                }
            }
            try await expectThrow(LogStoreError.differentContent(head: Offset(3))) {
                try await stores.append(
                    Sample.body([String](), after: 2, end: Sample.success), to: id, after: 2)
            }
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["a", "b", "c"])
        },
        ContractCase("a retry is known by what it says, not by its times, also across many blocks") { stores in
            let id = try await stores.begin()
            let messages = (0..<40).map { "\($0) " + String(repeating: "x", count: 20_000) }
            for (head, message) in messages.enumerated() {
                try await stores.append(Sample.body([message], after: UInt64(head)), to: id, after: UInt64(head))
            }
            let later = Sample.body(messages + ["new"], after: 0, at: 2500)
            try expectEqual(try await stores.append(later, to: id, after: 0).block?.first, Offset(41))
            try expectEqual(try await stores.append(later, to: id, after: 0).block, nil)
            try expectEqual(try await stores.events(of: id).compactMap(\.message), messages + ["new"])
        },
        ContractCase("a line that a retry has cut elsewhere is the same line, and what follows it follows the head") {
            stores in
            let id = try await stores.begin()
            var parts = BlockEncoder(after: .zero)
            parts.appendLine(LogLine(message: "ab", isPartial: true), timestamp: .epoch)
            parts.appendLine(LogLine(message: "c"), timestamp: .epoch)
            try await stores.append(AppendBody(block: parts.finish(), hasLines: true), to: id, after: 0)
            let added = try await stores.append(["abc", "d"], to: id, after: 0)
            try expectEqual(added.block?.first, Offset(3))
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["ab", "c", "d"])
        },
        ContractCase("an append says whether its producer should stop") { stores in
            let id = try await stores.begin()
            try expectEqual(try await stores.append(["a"], to: id, after: 0).isStopRequested, false)
            _ = try await stores.executions.requestStop(id, by: Sample.user("u"), at: .epoch)
            try expectEqual(try await stores.append(["a"], to: id, after: 0).isStopRequested, true)
            try expectEqual(try await stores.append(["b"], to: id, after: 1).isStopRequested, true)
            let ended = try await stores.append(
                Sample.body([String](), after: 2, end: Sample.success), to: id, after: 2)
            try expectEqual(ended.isStopRequested, false)
        },
        ContractCase("an append beyond the head is refused with the head, and changes nothing") { stores in
            let id = try await stores.begin()
            try await stores.append(["a"], to: id, after: 0)
            try await expectThrow(LogStoreError.outOfOrder(head: Offset(1))) {
                try await stores.append(["x"], to: id, after: 2)
            }
            try expectEqual(try await stores.events(of: id).count, 1)
        },
        ContractCase("the appends of a batch are decided one after the other, and a refused one leaves the others") {
            let (id, other) = (try await $0.begin(), try await $0.begin("other"))
            let appends = [
                LogAppend(Sample.body(["a"], after: 0), to: id, after: .zero),
                LogAppend(Sample.body(["x"], after: 7), to: other, after: Offset(7)),
                LogAppend(Sample.body(["b"], after: 1), to: id, after: Offset(1)),
                LogAppend(Sample.body(["y"], after: 0), to: Sample.id("unknown"), after: .zero),
                LogAppend(Sample.body(["a", "b"], after: 0), to: id, after: .zero),
            ]
            let results = try await $0.log.append(appends, at: .epoch)
            try expectEqual(results.map { try? $0.get().head.offset }, [Offset(1), nil, Offset(2), nil, Offset(2)])
            try expectEqual(results.map { try? $0.get().block?.count }, [1, nil, 1, nil, nil])
            try expectEqual(results[3], .failure(.unknownExecution))
            try expectEqual(try await $0.events(of: id).compactMap(\.message), ["a", "b"])
            try expectEqual(try await $0.events(of: other).count, 0)
        },
        ContractCase("the first append makes an execution RUNNING, also an empty one, and only the first") { stores in
            let id = try await stores.begin()
            try await stores.append(AppendBody(block: nil), to: id, after: 0, at: 4000)
            let started = try await stores.executions.execution(id)
            try expectEqual(started.status, .running)
            try expectEqual(started.startedAt, Timestamp(milliseconds: 4000))
            try await stores.append(Sample.body(["a"], after: 0), to: id, after: 0, at: 9000)
            try expectEqual(try await stores.executions.execution(id).startedAt, Timestamp(milliseconds: 4000))
        },
        ContractCase("an append leaves TERMINATING as it is") { stores in
            let id = try await stores.begin()
            _ = try await stores.executions.requestStop(id, by: Sample.user("u"), at: .epoch)
            try await stores.append(["a"], to: id, after: 0)
            try expectEqual(try await stores.executions.execution(id).status, .terminating)
        },
        ContractCase("the end and the status are written together; nothing follows, but a retry is still one") {
            stores in
            let id = try await stores.begin()
            let outcome = ExecutionOutcome(status: .failed, exitCode: 124, reason: .timedOut)
            let body = Sample.body(["a"], after: 0, end: outcome)
            let ended = try await stores.append(body, to: id, after: 0, at: 6000)
            try expect(ended.head.isEnded, "the head says nothing of the end")
            try expectEqual(ended.block?.endsLog, true)
            let execution = try await stores.executions.execution(id)
            try expectEqual(execution.status, .failed)
            try expectEqual(execution.exitCode, 124)
            try expectEqual(execution.reason, .timedOut)
            try expectEqual(execution.endedAt, Timestamp(milliseconds: 6000))
            try expectEqual(try await stores.append(body, to: id, after: 0).head, ended.head)
            try await expectThrow(LogStoreError.ended(head: Offset(2))) {
                try await stores.append(["x"], to: id, after: 2)
            }
            try expectEqual(try await stores.events(of: id).count, 2)
        },
        ContractCase("an execution ended when its end says, but not before it started and not after it was heard of") {
            stores in
            for (told, expected) in [(2500, 4000), (4700, 4700), (9999, 6000)] as [(Int64, Int64)] {
                let id = try await stores.begin("ended-\(told)")
                try await stores.append(AppendBody(block: nil), to: id, after: 0, at: 4000)
                let body = Sample.body([("a", told)], after: 0, end: Sample.success)
                try await stores.append(body, to: id, after: 0, at: 6000)
                try expectEqual(
                    try await stores.executions.execution(id).endedAt, Timestamp(milliseconds: expected))
            }
        },
        ContractCase("a log at its limit takes only notices and the end") { stores in
            let id = try await stores.begin()
            let large = String(repeating: "x", count: logLimit)
            try await stores.append([large], to: id, after: 0)
            try await expectThrow(LogStoreError.logFull(head: Offset(1))) {
                try await stores.append(["a"], to: id, after: 1)
            }
            var notice = BlockEncoder(after: Offset(1))
            notice.appendNotice(code: "log_full", message: "full", timestamp: .epoch)
            try await stores.append(AppendBody(block: notice.finish()), to: id, after: 1)
            try await stores.append(Sample.body([String](), after: 2, end: Sample.success), to: id, after: 2)
            try expectEqual(try await stores.log.head(of: id).offset, Offset(3))
        },
        ContractCase("of appends that race for one head, one wins, and none is lost or doubled") { stores in
            let id = try await stores.begin()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var won = 0
                        while won < 10 {
                            let head = try await stores.log.head(of: id).offset.rawValue
                            let body = Sample.body(["\(writer):\(won)"], after: head)
                            do {
                                try await stores.append(body, to: id, after: head)
                                won += 1
                            } catch LogStoreError.differentContent {
                                // Another one was first.
                            }
                        }
                        return won
                    }
                }
                for try await won in group { try expectEqual(won, 10) }
            }
            let messages = try await stores.events(of: id).compactMap(\.message)
            try expectEqual(messages.count, 80)
            try expectEqual(Set(messages).count, 80)
            for writer in 0..<8 {
                let own = messages.filter { $0.hasPrefix("\(writer):") }
                try expectEqual(own, (0..<10).map { "\(writer):\($0)" })
            }
        },
    ]
}

extension LogEvent {
    /// A line's text.
    package var message: String? {
        if case .line(let line) = content { return line.message }
        return nil
    }
}
