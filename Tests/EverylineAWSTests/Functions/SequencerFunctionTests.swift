import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("The sequencer's function") struct SequencerFunctionTests {
    private let stores = InMemoryStores()
    private let connections = InMemoryConnections()
    private let notifier = InMemoryViewerNotifier()
    private let requeues = Requeues()
    private let deadLetters = DeadLetters()
    private let queue = InMemoryReconcileQueue()

    private func function(now: Int64 = 1_790_000_000_000) -> SequencerFunction {
        let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: now) }
        let repairs = RepairRequests(queue: queue, delay: .seconds(20), logger: .silent)
        return SequencerFunction(
            sequencer: Sequencer(
                ledger: stores, connections: connections, notifier: notifier,
                requestRepair: { try await repairs.request($0, $1) }, now: now),
            requeue: requeues.requeue, deadLetter: deadLetters.deadLetter,
            bursts: BurstWatch(function: "f") { _ in }, now: now, logger: .silent)
    }

    private func begin(_ ids: String...) async throws {
        for id in ids {
            _ = try await stores.create(Sample.execution(id), appendToken: Sample.hash(id), idempotency: nil)
        }
    }

    private func body(_ lines: String...) throws -> String {
        try #require(
            LogsMessage(lines.map { SourceEvent(message: "\u{1E}" + $0, at: Timestamp(milliseconds: 1000)) }).body)
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
                ("1", "a", body("1 a1")), ("2", "b", body("1 b1")), ("3", "a", body("2 ", "3+a3", "4=1")),
            ]))
        #expect(try unprocessed(answer).isEmpty)
        #expect(try await messages(of: "a") == ["a1", "", "a3…", "FAILED"])
        #expect(try await messages(of: "b") == ["b1"])
        #expect(queue.sent.isEmpty)
    }

    @Test("has each hole that it leaves behind looked into, once, and again when the log has come further")
    func holes() async throws {
        try await begin("a")
        let function = function()
        for line in ["3 a3", "4 a4", "1 a1", "6 a6", "2 a2", "8 a8"] {
            _ = try await function.handle(Event.batch([("1", "a", body(line))]))
        }
        let request = InMemoryReconcileQueue.Sent(message: .init(.probe, of: Sample.id("a")), delay: .seconds(20))
        #expect(queue.sent == [request, request, request])
        #expect(try await messages(of: "a") == ["a1", "a2", "a3", "a4"])
    }

    @Test("gives a batch back whose hole it could not have looked into")
    func unheardHole() async throws {
        try await begin("a")
        let function = function()
        queue.refuseNext()
        let event = try Event.batch([("1", "a", body("3 a3"))])
        #expect(try unprocessed(try await function.handle(event)) == ["1"])
        #expect(try unprocessed(try await function.handle(event)).isEmpty)
        #expect(queue.sent.count == 1)
    }

    @Test("gives back all of a group from the first that failed, and nothing of another")
    func failure() async throws {
        try await begin("b")
        let answer = try await function().handle(
            Event.batch([
                ("1", "missing", body("1 a1")), ("2", "b", body("1 b1")),
                ("3", "missing", body("3 x")), ("4", "missing", body("2 a2")),
            ]))
        #expect(try unprocessed(answer) == ["1", "3", "4"])
        #expect(requeues.messages == ["1", "3", "4"])
        #expect(try await messages(of: "b") == ["b1"])
    }

    @Test("begins nothing that it could not finish before its deadline")
    func deadline() async throws {
        try await begin("a")
        let late = function(now: 1_790_000_899_000)
        let answer = try await late.handle(Event.batch([("1", "a", body("1 a1"))]))
        #expect(try unprocessed(answer) == ["1"])
    }

    @Test("puts what can't be read among the dead letters, and goes on behind it: it would never become readable")
    func unreadable() async throws {
        try await begin("a")
        let answer = try await function().handle(
            Event.batch([
                ("1", "a", body("1 a1")), ("2", "a", "nonsense"), ("3", "a", body("2 a2")),
                ("4", "no id!", "x"), ("5", "no id!", "y"),
            ]))
        #expect(try unprocessed(answer).isEmpty)
        #expect(try await messages(of: "a") == ["a1", "a2"])
        #expect(deadLetters.taken == ["2", "4", "5"])
    }

    @Test("gives back what it can't put there, and what is behind it in its group")
    func unreadableAndStuck() async throws {
        try await begin("a", "b")
        deadLetters.fill()
        let answer = try await function().handle(
            Event.batch([
                ("1", "a", body("1 a1")), ("2", "a", "nonsense"), ("3", "a", body("2 a2")),
                ("4", "b", body("1 b1")), ("5", "no id!", "x"),
            ]))
        #expect(try unprocessed(answer) == ["2", "3", "5"])
        #expect(try await messages(of: "a") == ["a1"])
        #expect(try await messages(of: "b") == ["b1"])
    }
}
