import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("The reconciler's function") struct ReconcilerFunctionTests {
    private let stores = InMemoryStores()
    private let queue = InMemoryReconcileQueue()
    private let requeues = Requeues()
    private let stream = LogStreamName(group: "g", name: "s")
    /// What ECS says of every task.
    private let ecs = Changing<Result<StoppedTask?, InMemoryReconcileQueue.Refused>>(.success(nil))

    /// When to probe again an execution without a task.
    private let later = Changing<Duration?>(nil)

    init() async throws {
        _ = try await stores.create(Sample.execution("e"), appendToken: Sample.hash("e"), idempotency: nil)
    }

    private var task: StoppedTask {
        StoppedTask(
            stream: stream, outcome: ExecutionOutcome(status: .failed, exitCode: 4),
            stoppedAt: Timestamp(milliseconds: 5))
    }

    private func function(_ lines: String...) -> ReconcilerFunction {
        let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: 1_790_000_000_000) }
        let events = lines.map { SourceEvent(message: "\u{1E}" + $0, at: .epoch) }
        return ReconcilerFunction(
            reconciler: Reconciler(
                ledger: stores, connections: InMemoryConnections(), notifier: InMemoryViewerNotifier(), now: now),
            source: { [stream] in
                #expect($0 == stream)
                return InMemoryLogSource(events)
            },
            inspect: { [ecs, stream] id in
                guard id == Sample.id("e") else { return nil }
                return TaskState(stream: stream, stopped: try ecs.value.get())
            }, probeWithoutTask: { [later] _ in later.value }, queue: queue, pause: .seconds(15),
            requeue: requeues.requeue, logger: .silent)
    }

    private func handle(_ message: ReconcileMessage, by function: ReconcilerFunction) async throws -> Bool {
        let answer = try await function.handle(Event.single(message.body))
        return !String(buffer: answer).contains("itemIdentifier")
    }

    private func texts() async throws -> [String] {
        var (texts, last) = ([String](), Offset.zero)
        while let block = try await stores.read(Sample.id("e"), after: last, limit: .mebibytes(1)).block {
            texts += try LogEvent.decode(lines: block.bytes).map { $0.message ?? "<other>" }
            last = block.last
        }
        return texts
    }

    @Test("reads what is missing, and asks for nothing more while the task runs")
    func probe() async throws {
        #expect(try await handle(.init(.probe, of: Sample.id("e")), by: function("1 a", "2 b")))
        #expect(try await texts() == ["a", "b"])
        #expect(queue.sent.isEmpty)
    }

    @Test("ends the log of a task that has stopped unheard, after a pause and another reading")
    func stoppedUnheard() async throws {
        ecs.value = .success(task)
        let function = function("1 a")
        #expect(try await handle(.init(.probe, of: Sample.id("e")), by: function))
        let again = try #require(queue.take().first)
        #expect(again.delay == .seconds(15))
        #expect(again.message == .init(.stopped(task), of: Sample.id("e"), seen: .init(next: 2, parked: [])))
        #expect(try await handle(again.message, by: function))
        #expect(try await texts() == ["a", "<other>"])
        #expect(try await stores.execution(Sample.id("e")).exitCode == 4)
        #expect(queue.sent.isEmpty)
    }

    @Test("gives back what ECS can't say now, and what its queue doesn't take on")
    func failure() async throws {
        let message = ReconcileMessage(.probe, of: Sample.id("e"))
        ecs.value = .failure(InMemoryReconcileQueue.Refused())
        #expect(try await !handle(message, by: function()))
        ecs.value = .success(task)
        queue.refuseNext()
        #expect(try await !handle(message, by: function()))
        #expect(requeues.messages == ["m", "m"])
        #expect(try await handle(message, by: function()))
    }

    @Test("probes an execution without a task for as long as something may still become of it")
    func withoutTask() async throws {
        _ = try await stores.create(Sample.execution("f"), appendToken: Sample.hash("f"), idempotency: nil)
        later.value = .seconds(60)
        let message = ReconcileMessage(.probe, of: Sample.id("f"))
        #expect(try await handle(message, by: function()))
        #expect(queue.take() == [.init(message: message, delay: .seconds(60))])
        later.value = nil
        #expect(try await handle(message, by: function()))
        #expect(queue.sent.isEmpty)
    }

    @Test("says in the log why a task was never started, in AWS's words")
    func notStarted() async throws {
        let reason = "ECS could not start the command's task: CannotPullContainerError: no such image"
        let stopped = StoppedTask(
            stream: stream, outcome: ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted),
            stoppedAt: Timestamp(milliseconds: 5), reason: reason)
        #expect(try await handle(.init(.stopped(stopped), of: Sample.id("e")), by: function()))
        #expect(try await handle(try #require(queue.take().first).message, by: function()))
        let block = try #require(try await stores.read(Sample.id("e"), after: .zero, limit: .mebibytes(1)).block)
        let notice = try #require(try LogEvent.decode(lines: block.bytes).first)
        #expect(notice.content == .notice(code: "not_started", message: reason))
        #expect(try await stores.execution(Sample.id("e")).reason == .notStarted)
    }

    @Test("lets an execution without a task be, and one that is gone; keeps what can't be read for its dead letters")
    func others() async throws {
        _ = try await stores.create(Sample.execution("f"), appendToken: Sample.hash("f"), idempotency: nil)
        #expect(try await handle(.init(.probe, of: Sample.id("f")), by: function("1 a")))
        #expect(try await handle(.init(.stopped(task), of: Sample.id("gone")), by: function("1 a")))
        let answer = try await function().handle(Event.single("nonsense"))
        #expect(String(buffer: answer).contains("\"itemIdentifier\":\"m\""))
    }
}
