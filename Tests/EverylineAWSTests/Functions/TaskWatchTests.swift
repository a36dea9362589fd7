import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("A watch over tasks") struct TaskWatchTests {
    private let queue = InMemoryReconcileQueue()
    private let time = Changing<Int64>(1_790_000_040_000)
    private let stores = InMemoryStores()

    private func watch() -> TaskWatch {
        TaskWatch(queue: queue, now: { self.now }, logger: .silent)
    }

    private var now: Timestamp { Timestamp(milliseconds: time.value) }

    @Test("asks once a minute, however many ask it")
    func once() async {
        let watch = watch()
        for id in ["e", "e", "f", "e"] { await watch.probe(Sample.id(id)) }
        #expect(queue.sent.map(\.message.execution) == [Sample.id("e"), Sample.id("f")])
        #expect(queue.sent.allSatisfy { $0.message.cause == .probe && $0.delay == .zero })
        time.value += 60_000
        await watch.probe(Sample.id("e"))
        #expect(queue.sent.count == 3)
    }

    @Test("asks again when it could not")
    func failure() async {
        queue.refuseNext()
        let watch = watch()
        await watch.probe(Sample.id("e"))
        #expect(queue.sent.isEmpty)
        await watch.probe(Sample.id("e"))
        #expect(queue.sent.count == 1)
    }

    @Test("asks for an execution whose producer, elsewhere, was asked to stop a minute ago")
    func stoppedElsewhere() async throws {
        let store = WatchingExecutionStore(stores, watch: watch(), now: { self.now })
        for id in ["new", "old"] {
            let execution = Sample.execution(id, producer: .external, at: 5)
            _ = try await store.create(execution, appendToken: Sample.hash(id), idempotency: nil)
        }
        _ = try await stores.requestStop(
            Sample.id("new"), by: Sample.user("u"), at: Timestamp(milliseconds: time.value - 60_000))
        _ = try await stores.requestStop(
            Sample.id("old"), by: Sample.user("u"), at: Timestamp(milliseconds: time.value - 60_001))
        for id in ["new", "old"] { _ = try await store.execution(Sample.id(id)) }
        #expect(queue.sent.map(\.message.execution) == [Sample.id("old")])
    }

    @Test("asks for an execution that a client reads, unless it is young, or ended, or carried by no task")
    func executions() async throws {
        let store = WatchingExecutionStore(stores, watch: watch(), now: { self.now })
        func create(_ id: String, age: Int64, producer: Execution.Producer = .runner) async throws {
            let execution = Sample.execution(id, producer: producer, at: now.milliseconds - age)
            _ = try await store.create(execution, appendToken: Sample.hash(id), idempotency: nil)
        }
        try await create("young", age: 60_000)
        try await create("old", age: 60_001)
        try await create("stopped", age: 60_001)
        try await create("elsewhere", age: 60_001, producer: .external)
        try await create("ended", age: 60_001)
        let end = Sample.body([String](), after: 0, end: Sample.success)
        _ = try await stores.append([LogAppend(end, to: Sample.id("ended"), after: .zero)], at: .epoch)
        for id in ["young", "old", "old", "elsewhere", "ended"] { _ = try await store.execution(Sample.id(id)) }
        _ = try await store.requestStop(Sample.id("stopped"), by: Sample.user("u"), at: .epoch)
        #expect(queue.sent.map(\.message.execution) == [Sample.id("old"), Sample.id("stopped")])
    }
}

@Suite("A probe of a task") struct TaskInspectionTests {
    private let tasks = InMemoryTasks()
    private let stream = LogStreamName(group: "g", name: "s")
    private let stopped = Changing<[String]>([])

    private func probe(
        _ answer: String?, age: Int64 = 0, status: ExecutionStatus = .running
    ) async throws -> StoppedTask? {
        try await tasks.add(ExecutionTask(arn: "arn:1", stream: stream), of: Sample.id("e"))
        let inspection = TaskInspection(
            tasks: tasks,
            describe: { arn in
                #expect(arn == "arn:1")
                return try answer.map { try LambdaEvent.decode(ECSTask.self, from: ByteBuffer(string: $0)) }
            }, stop: { [stopped] in stopped.value.append($0) },
            execution: { _ in
                var execution = Sample.execution("e", at: 0)
                execution.status = status
                return execution
            }, now: { Timestamp(milliseconds: age) })
        #expect(try await inspection.inspect(Sample.id("without")) == nil)
        let state = try #require(try await inspection.inspect(Sample.id("e")))
        #expect(state.stream == stream)
        return state.stopped
    }

    @Test("finds how a task has stopped, and when, in either of the forms in which AWS writes times")
    func finished() async throws {
        for time in ["1790000000.125", "\"2026-09-21T14:13:20.125Z\""] {
            let answer = """
                {"taskArn":"arn:1","lastStatus":"STOPPED","stopCode":"EssentialContainerExited","stoppedAt":\(time),
                "containers":[{"name":"command","exitCode":3}]}
                """
            let expected = StoppedTask(
                stream: stream, outcome: ExecutionOutcome(status: .failed, exitCode: 3),
                stoppedAt: Timestamp(milliseconds: 1_790_000_000_125))
            #expect(try await probe(answer) == expected)
        }
    }

    @Test("lets one that runs, or is stopping, be", arguments: ["PENDING", "RUNNING", "STOPPING"])
    func runs(status: String) async throws {
        #expect(try await probe("{\"taskArn\":\"arn:1\",\"lastStatus\":\"\(status)\"}", age: 9_000_000) == nil)
    }

    @Test("stops one that runs although its execution's stop was asked for", arguments: ["PENDING", "RUNNING"])
    func unstopped(status: String) async throws {
        let task = "{\"taskArn\":\"arn:1\",\"lastStatus\":\"\(status)\"}"
        #expect(try await probe(task) == nil)
        #expect(stopped.value.isEmpty)
        #expect(try await probe(task, status: .terminating) == nil)
        #expect(stopped.value == ["arn:1"])
        _ = try await probe("{\"taskArn\":\"arn:1\",\"lastStatus\":\"STOPPED\"}", status: .terminating)
        #expect(stopped.value.count == 1)
    }

    @Test("takes one that ECS knows no more for lost, but not one that it may not know yet")
    func missing() async throws {
        #expect(try await probe(nil, age: 3_600_000) == nil)
        let lost = try #require(try await probe(nil, age: 3_600_001))
        #expect(lost.outcome == ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost))
    }
}
