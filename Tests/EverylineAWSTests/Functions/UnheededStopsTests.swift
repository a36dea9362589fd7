import Everyline
import EverylineAWS
import EverylineTesting
import Testing

@Suite("Stops of producers elsewhere") struct UnheededStopsTests {
    private let stores = InMemoryStores()
    private let time = Changing<Int64>(1_000_000)
    private let ended = Changing<[ExecutionOutcome]>([])
    private let id = Sample.id("e")

    init() async throws {
        _ = try await stores.create(
            Sample.execution("e", producer: .external), appendToken: Sample.hash("e"), idempotency: nil)
    }

    private func probe(after milliseconds: Int64 = 0) async throws -> Duration? {
        time.value += milliseconds
        let stops = UnheededStops(
            executions: stores, patience: StopPatience(), now: { [time] in Timestamp(milliseconds: time.value) }
        ) { [ended] id, outcome, notice in
            #expect(id == Sample.id("e"))
            #expect((notice?.code == .stopUnheeded) == (outcome == .stopOverdue))
            ended.value.append(outcome)
        }
        return try await stops.probe(id)
    }

    private func hear() async throws {
        try await stores.noteProducers([id: Timestamp(milliseconds: time.value)])
    }

    private func requestStop() async throws {
        _ = try await stores.requestStop(id, by: Sample.user("u"), at: Timestamp(milliseconds: time.value))
    }

    @Test("end the log a minute after the request, if nothing was heard of the producer")
    func unanswered() async throws {
        #expect(try await probe() == nil)
        try await requestStop()
        #expect(try await probe() == .seconds(60))
        #expect(try await probe(after: 59_001) == .seconds(1))
        #expect(ended.value.isEmpty)
        #expect(try await probe(after: 999) == nil)
        #expect(ended.value == [.stopUnanswered])
    }

    @Test("give a producer that is heard of another minute each time, but no more than an hour")
    func overdue() async throws {
        try await requestStop()
        for _ in 0..<70 {
            try await hear()
            guard let pause = try await probe() else { break }
            time.value += pause.milliseconds
            #expect(ended.value.isEmpty)
        }
        #expect(ended.value == [.stopOverdue])
        #expect(time.value == 4_600_000)
    }

    @Test("leave alone what has no stop request, what its runner looks after, and what has ended")
    func others() async throws {
        try await hear()
        #expect(try await probe(after: 9_000_000) == nil)
        try await requestStop()
        let end = Sample.body([String](), after: 0, end: Sample.success)
        _ = try await stores.append([LogAppend(end, to: id, after: .zero)], at: .epoch)
        #expect(try await probe(after: 9_000_000) == nil)
        #expect(ended.value.isEmpty)
    }
}

@Suite("Starts that were cut off") struct LostStartsTests {
    private let stores = InMemoryStores()
    private let tasks = InMemoryTasks()
    private let task = ExecutionTask(arn: "arn:1", stream: LogStreamName(group: "g", name: "s"))
    private let isKnown = Changing(false)
    private let ended = Changing<[ExecutionOutcome]>([])

    /// - Parameter stop: how long after its making the execution's stop was asked for.
    private func probe(
        at id: String, age: Int64, producer: Execution.Producer = .runner, stop: Int64? = nil
    ) async throws -> Duration? {
        let execution = Sample.execution(id, producer: producer, at: 1_000_000)
        _ = try await stores.create(execution, appendToken: Sample.hash(id), idempotency: nil)
        if let stop {
            _ = try await stores.requestStop(
                Sample.id(id), by: Sample.user("u"), at: Timestamp(milliseconds: 1_000_000 + stop))
        }
        let starts = LostStarts(
            executions: stores, tasks: tasks, find: { [isKnown, task] _ in isKnown.value ? task : nil },
            now: { Timestamp(milliseconds: 1_000_000 + age) }
        ) { [ended] _, outcome, notice in
            #expect((notice?.code == .notStarted) == (outcome.reason == .notStarted))
            ended.value.append(outcome)
        }
        return try await starts.probe(Sample.id(id))
    }

    @Test("note a task that ECS knows, so that it is probed like any other")
    func found() async throws {
        isKnown.value = true
        #expect(try await probe(at: "e", age: 700_000) == .seconds(1))
        #expect(try await tasks.task(of: Sample.id("e")) == task)
        #expect(ended.value.isEmpty)
    }

    @Test("wait while a repeated request may still start the command, and longer, then end the log")
    func missing() async throws {
        #expect(try await probe(at: "e", age: 1000) == .seconds(600))
        #expect(try await probe(at: "f", age: 599_999) == .seconds(1))
        #expect(ended.value.isEmpty)
        #expect(try await probe(at: "g", age: 600_000) == nil)
        #expect(ended.value == [ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted)])
        #expect(LostStarts.restart <= .seconds(300))
    }

    @Test("end the log of one that was stopped a minute after the stop, when no request can start it any more")
    func stopped() async throws {
        #expect(try await probe(at: "e", age: 5000, stop: 1000) == .seconds(57))
        #expect(ended.value.isEmpty)
        #expect(try await probe(at: "f", age: 61_000, stop: 1000) == nil)
        #expect(ended.value == [ExecutionOutcome(status: .stopped, exitCode: nil, reason: .notStarted)])
        isKnown.value = true
        #expect(try await probe(at: "g", age: 61_000, stop: 1000) == .seconds(1))
        #expect(try await tasks.task(of: Sample.id("g")) == task)
    }

    @Test("don't say that nothing was started once ECS would know a task no more")
    func tooLate() async throws {
        #expect(try await probe(at: "e", age: 3_600_000) == nil)
        #expect(try await probe(at: "f", age: 3_700_000, stop: 3_600_000) == nil)
        let lost = [ExecutionStatus.failed, .stopped].map {
            ExecutionOutcome(status: $0, exitCode: nil, reason: .runnerLost)
        }
        #expect(ended.value == lost)
    }

    @Test("leave alone what has a producer elsewhere")
    func elsewhere() async throws {
        #expect(try await probe(at: "e", age: 9_000_000, producer: .external) == nil)
        #expect(ended.value.isEmpty)
    }
}
