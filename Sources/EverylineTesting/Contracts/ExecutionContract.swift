import Everyline

extension ContractCase {
    /// What ``ExecutionStore`` promises.
    static let executions = [
        ContractCase("an execution is kept as it was made") { stores in
            let execution = Sample.execution("one", producer: .runner, at: 77)
            let (made, isNew) = try await stores.executions.create(
                execution, appendToken: Sample.hash("t"), idempotency: nil)
            try expect(isNew, "it is new")
            try expectEqual(made, execution)
            try expectEqual(try await stores.executions.execution(execution.id), execution)
            try expectEqual(try await stores.executions.appendToken(of: execution.id), Sample.hash("t"))
        },
        ContractCase("where a command runs is kept, as far as it is known") { stores in
            for (number, place) in [
                CommandPlace(
                    host: "h", user: "u", directory: "/ü \n", terminal: TerminalSize(columns: 1000, rows: 1)),
                CommandPlace(directory: "/"), CommandPlace(),
            ].enumerated() {
                let execution = Execution(
                    id: Sample.id("e\(number)"), command: ["x"], owner: Sample.user("ann"), producer: .external,
                    place: place, createdAt: .epoch)
                _ = try await stores.executions.create(
                    execution, appendToken: Sample.hash("t"), idempotency: nil)
                try expectEqual(try await stores.executions.execution(execution.id).place, place)
            }
        },
        ContractCase("what doesn't exist is unknown") { stores in
            let id = Sample.id("unknown")
            try await expectThrow(ExecutionStoreError.unknownExecution) { try await stores.executions.execution(id) }
            try await expectThrow(ExecutionStoreError.unknownExecution) {
                try await stores.executions.appendToken(of: id)
            }
            try await expectThrow(ExecutionStoreError.unknownExecution) {
                try await stores.executions.requestStop(id, by: Sample.user("u"), at: .epoch)
            }
            try await expectThrow(ExecutionStoreError.unknownCursor) {
                try await stores.executions.list(ExecutionQuery(limit: 1, after: id))
            }
        },
        ContractCase("an owner's idempotency key gives the same execution, and refuses another request") { stores in
            let key = IdempotencyKey(value: "k", fingerprint: Sample.hash("body"))
            let store = stores.executions
            let first = try await store.create(
                Sample.execution("one"), appendToken: Sample.hash("1"), idempotency: key)
            let second = try await store.create(
                Sample.execution("two"), appendToken: Sample.hash("2"), idempotency: key)
            try expect(first.isNew && !second.isNew, "the second is the first")
            try expectEqual(second.execution, first.execution)
            try expectEqual(try await store.appendToken(of: first.execution.id), Sample.hash("1"))
            let other = IdempotencyKey(value: "k", fingerprint: Sample.hash("another body"))
            try await expectThrow(ExecutionStoreError.idempotencyKeyReused) {
                try await store.create(Sample.execution("three"), appendToken: Sample.hash("3"), idempotency: other)
            }
            let bob = try await store.create(
                Sample.execution("four", owner: "bob"), appendToken: Sample.hash("4"), idempotency: other)
            try expect(bob.isNew, "another owner's key is another key")
        },
        ContractCase("the list is newest first, in pages, by status and producer") { stores in
            let store = stores.executions
            for number in 1...7 {
                _ = try await store.create(
                    Sample.execution("e\(number)", producer: number.isMultiple(of: 2) ? .runner : .external),
                    appendToken: Sample.hash("\(number)"), idempotency: nil)
            }
            for id in ["e2", "e3", "e6"] {
                _ = try await store.requestStop(Sample.id(id), by: Sample.user("u"), at: .epoch)
            }
            func ids(_ query: ExecutionQuery) async throws -> [String] {
                try await store.list(query).map(\.id.rawValue)
            }
            try expectEqual(try await ids(.init(limit: 3)), ["e7", "e6", "e5"])
            try expectEqual(try await ids(.init(limit: 3, after: Sample.id("e5"))), ["e4", "e3", "e2"])
            try expectEqual(try await ids(.init(limit: 3, after: Sample.id("e2"))), ["e1"])
            try expectEqual(try await ids(.init(statuses: [.terminating], limit: 9)), ["e6", "e3", "e2"])
            try expectEqual(
                try await ids(.init(statuses: [.terminating, .starting], producer: .runner, limit: 9)),
                ["e6", "e4", "e2"])
            try expectEqual(try await ids(.init(statuses: [.failed], limit: 9)), [])
        },
        ContractCase("a list ends behind the command that uses up its bytes, and goes on after it") { stores in
            for number in 1...5 {
                let command = [String(repeating: "x", count: number == 3 ? 2000 : 400)]
                _ = try await stores.executions.create(
                    Execution(
                        id: Sample.id("e\(number)"), command: command, owner: Sample.user("ann"), producer: .external,
                        createdAt: .epoch), appendToken: Sample.hash("\(number)"), idempotency: nil)
            }
            func ids(_ bytes: ByteCount, limit: Int = 9, after: String? = nil) async throws -> [String] {
                try await stores.executions.list(
                    ExecutionQuery(limit: limit, bytes: bytes, after: after.map(Sample.id))
                ).map(\.id.rawValue)
            }
            try expectEqual(try await ids(1), ["e5"])
            try expectEqual(try await ids(500), ["e5", "e4"])
            try expectEqual(try await ids(500, limit: 1), ["e5"])
            try expectEqual(try await ids(500, after: "e4"), ["e3"])
            try expectEqual(try await ids(500, after: "e3"), ["e2", "e1"])
            try expectEqual(try await ids(10_000), ["e5", "e4", "e3", "e2", "e1"])
        },
        ContractCase("an execution is not made under a key that was revoked") { stores in
            for id in ["k1", "k2"] { try await stores.access.add(Sample.key(id, role: .admin)) }
            func execution(_ id: String) -> Execution {
                Execution(
                    id: Sample.id(id), command: ["x"], owner: Sample.user("ann"), producer: .external, key: "k1",
                    createdAt: .epoch)
            }
            let made = try await stores.executions.create(
                execution("e1"), appendToken: Sample.hash("1"), idempotency: nil)
            try expectEqual(try await stores.executions.execution(made.execution.id).key, "k1")
            try await stores.access.revokeKey("k1", at: .epoch)
            for key in [nil, IdempotencyKey(value: "k", fingerprint: Sample.hash("body"))] {
                try await expectThrow(ExecutionStoreError.keyRevoked) {
                    try await stores.executions.create(
                        execution("e2"), appendToken: Sample.hash("2"), idempotency: key)
                }
            }
            try expectEqual(try await stores.executions.list(ExecutionQuery(limit: 9)).map(\.id), [Sample.id("e1")])
        },
        ContractCase("when a producer was heard of is kept until its execution ends") { stores in
            let (id, ended) = (try await stores.begin(), try await stores.begin("ended"))
            try expectEqual(try await stores.executions.execution(id).heardAt, nil)
            try await stores.append(Sample.body(["a"], after: 0, end: Sample.success), to: ended, after: 0)
            let time = Timestamp(milliseconds: 70)
            try await stores.executions.noteProducers([id: time, ended: time, Sample.id("unknown"): time])
            try expectEqual(try await stores.executions.execution(id).heardAt, time)
            try expectEqual(try await stores.executions.execution(ended).heardAt, nil)
            try await expectThrow(ExecutionStoreError.unknownExecution) {
                try await stores.executions.execution(Sample.id("unknown"))
            }
        },
        ContractCase("a stop is idempotent, and nothing to one that has ended") { stores in
            let id = try await stores.begin()
            for (time, user) in [(7, "ann"), (9, "bob")] as [(Int64, String)] {
                let stopped = try await stores.executions.requestStop(
                    id, by: Sample.user(user), at: Timestamp(milliseconds: time))
                try expectEqual(stopped.status, .terminating)
                try expectEqual(stopped.stopRequestedAt, Timestamp(milliseconds: 7))
                try expectEqual(stopped.stoppedBy, Sample.user("ann"))
            }
            try await stores.append(Sample.body(["a"], after: 0, end: Sample.success), to: id, after: 0)
            try expectEqual(
                try await stores.executions.requestStop(id, by: Sample.user("u"), at: .epoch).status, .succeeded)
        },
    ]
}
