import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("The sequencer's function") struct SequencerFunctionTests {
    private let stores = InMemoryStores()
    private let connections = InMemoryConnections()
    private let doorbell = InMemoryDoorbell()
    private let comebacks = Comebacks()
    private let aside = DeadLetters()
    private let clock = InstantClock()
    /// What ECS says of every task.
    private let ecs = Changing<Result<StoppedTask?, InMemoryLogsQueue.Refused>>(.success(nil))

    private func function(source: [SourceEvent] = [], now: Int64 = 1_790_000_000_000) -> SequencerFunction {
        let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: now) }
        return SequencerFunction(
            worker: SequencerWorker(ledger: stores, connections: connections, doorbell: doorbell, now: now),
            source: { _ in InMemoryLogSource(source) }, stopped: { _ in try ecs.value.get() },
            comeBack: comebacks.comeBack, setAside: aside.setAside, clock: clock, now: now, logger: .silent)
    }

    private func begin(_ ids: String...) async throws {
        for id in ids {
            _ = try await stores.create(Sample.execution(id), appendToken: Sample.hash(id), idempotency: nil)
        }
    }

    private func body(_ events: CloudWatchLogs.Event...) throws -> String {
        try #require(LogsMessage.lines(events).body)
    }

    private func stopped(exitCode: Int32 = 0) throws -> String {
        try #require(LogsMessage.stopped(task(exitCode)).body)
    }

    private func task(_ exitCode: Int32) -> StoppedTask {
        let outcome = ExecutionOutcome(status: exitCode == 0 ? .succeeded : .failed, exitCode: exitCode)
        return StoppedTask(
            stream: LogStreamName(group: "g", name: "s"), outcome: outcome, stoppedAt: Timestamp(milliseconds: 5000))
    }

    private func messages(of id: String) async throws -> [String] {
        var events: [LogEvent] = []
        var after = Offset.zero
        while let block = try await stores.read(Sample.id(id), after: after, limit: .mebibytes(1)).block {
            events += try LogEvent.decode(lines: block.bytes)
            after = block.last
        }
        return events.map { event in
            switch event.content {
            case .line(let line): line.message + (line.isPartial ? "…" : "")
            case .notice(let code, _): code
            case .end(let outcome): outcome.status.rawValue
            }
        }
    }

    private func unprocessed(_ answer: ByteBuffer) throws -> [String] {
        struct Answer: Decodable {
            struct Failure: Decodable { let itemIdentifier: String }
            let batchItemFailures: [Failure]
        }
        return try LambdaEvent.decode(Answer.self, from: answer).batchItemFailures.map(\.itemIdentifier).sorted()
    }

    @Test("appends what follows one another as one, and each execution by itself")
    func batch() async throws {
        try await begin("a", "b")
        let answer = try await function().handle(
            Event.batch([
                ("1", "a", body(Event.line(1, "a1"))), ("2", "b", body(Event.line(1, "b1"))),
                ("3", "a", body(Event.line(2, "\u{1E}"), Event.line(3, "\u{1E}>a3"))),
            ]))
        #expect(try unprocessed(answer).isEmpty)
        #expect(try await messages(of: "a") == ["a1", "", "a3…"])
        #expect(try await messages(of: "b") == ["b1"])
    }

    @Test("drains and ends an execution whose task has stopped, behind the lines before")
    func end() async throws {
        try await begin("a")
        let sentinel = FinalSentinel(lines: 2).message(of: Sample.id("a"))
        let source = [
            SourceEvent(id: "id-1", timestamp: Timestamp(milliseconds: 1001), message: "one"),
            SourceEvent(id: "id-2", timestamp: Timestamp(milliseconds: 1002), message: "lost on the way"),
            SourceEvent(id: "id-3", timestamp: Timestamp(milliseconds: 1003), message: sentinel),
        ]
        let answer = try await function(source: source).handle(
            Event.batch([("1", "a", body(Event.line(1, "one"))), ("2", "a", stopped())]))
        #expect(try unprocessed(answer).isEmpty)
        #expect(try await stores.execution(Sample.id("a")).status == .succeeded)
        let read = try await stores.read(Sample.id("a"), after: Offset(1), limit: .mebibytes(1))
        #expect(read.head.offset == Offset(3) && read.head.isEnded)
    }

    @Test("gives back all of a group from the first that failed, and nothing of another")
    func failure() async throws {
        try await begin("b")
        let answer = try await function().handle(
            Event.batch([
                ("1", "missing", body(Event.line(1))), ("2", "b", body(Event.line(1, "b1"))),
                ("3", "missing", stopped()), ("4", "missing", body(Event.line(2))),
            ]))
        #expect(try unprocessed(answer) == ["1", "3", "4"])
        #expect(comebacks.messages == ["1", "3", "4"])
        #expect(try await messages(of: "b") == ["b1"])
    }

    @Test("begins nothing that it could not finish before its deadline")
    func deadline() async throws {
        try await begin("a")
        let late = function(now: 1_790_000_899_000)
        let answer = try await late.handle(Event.batch([("1", "a", body(Event.line(1)))]))
        #expect(try unprocessed(answer) == ["1"])
    }

    @Test("sets aside what can't be read, and goes on behind it: it would never become readable")
    func unreadable() async throws {
        try await begin("a")
        let answer = try await function().handle(
            Event.batch([
                ("1", "a", body(Event.line(1, "a1"))), ("2", "a", "nonsense"), ("3", "a", body(Event.line(2, "a2"))),
                ("4", "no id!", "x"), ("5", "no id!", "y"),
            ]))
        #expect(try unprocessed(answer).isEmpty)
        #expect(try await messages(of: "a") == ["a1", "a2"])
        #expect(aside.taken == ["2", "4", "5"])
    }

    @Test("gives back what it can't set aside, and what is behind it in its group")
    func unreadableAndStuck() async throws {
        try await begin("a", "b")
        aside.fill()
        let answer = try await function().handle(
            Event.batch([
                ("1", "a", body(Event.line(1, "a1"))), ("2", "a", "nonsense"), ("3", "a", body(Event.line(2, "a2"))),
                ("4", "b", body(Event.line(1, "b1"))), ("5", "no id!", "x"),
            ]))
        #expect(try unprocessed(answer) == ["2", "3", "5"])
        #expect(try await messages(of: "a") == ["a1"])
        #expect(try await messages(of: "b") == ["b1"])
    }

    @Test("ends the log of a task that has stopped unheard, behind the lines before, once; and lets one that runs be")
    func look() async throws {
        try await begin("e")
        let look = try #require(LogsMessage.look.body)
        let function = function(source: [SourceEvent(Event.line(1)), SourceEvent(Event.line(2))])
        func turn() async throws {
            let answer = try await function.handle(
                Event.batch([("1", "e", try body(Event.line(1))), ("2", "e", look), ("3", "e", look)]))
            #expect(try unprocessed(answer) == [])
        }
        try await turn()
        #expect(try await messages(of: "e") == ["text"])
        ecs.value = .failure(InMemoryLogsQueue.Refused())
        try await turn()
        #expect(try await messages(of: "e") == ["text"])
        ecs.value = .success(task(4))
        try await turn()
        #expect(try await messages(of: "e") == ["text", "text", "FAILED"])
    }
}
