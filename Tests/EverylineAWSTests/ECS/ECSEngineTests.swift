import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("An engine on ECS") struct ECSEngineTests {
    private let queue = InMemoryReconcileQueue()
    private let tasks = InMemoryTasks()
    private let task = ExecutionTask(arn: "arn:1", stream: LogStreamName(group: "g", name: "s"))

    private func engine(_ answers: ScriptedHTTP.Answer..., described: String? = nil) -> (ECSEngine, ScriptedHTTP) {
        let http = ScriptedHTTP(answers)
        let client = AWSClient(
            .init(region: "r"), http: http, credentials: CredentialCache(FixedCredentials()), clock: InstantClock(),
            now: { .epoch })
        let commands = ECSCommands(
            cluster: ECSCluster("everyline", client: client),
            placement: .init(taskDefinition: "t", subnets: ["s"], securityGroups: ["g"], assignsPublicIP: false),
            tasks: tasks, profiles: { _ in nil }, stream: { LogStreamName(group: "g", name: $0) })
        let inspection = TaskInspection(
            tasks: tasks,
            describe: { _ in
                try described.map { try LambdaEvent.decode(ECSTask.self, from: ByteBuffer(string: $0)) }
            }, stop: { _ in }, execution: { _ in Sample.execution("e") }, now: { .epoch })
        let engine = ECSEngine(
            region: "r", commands: commands, inspection: inspection, queue: queue, patience: StopPatience())
        return (engine, http)
    }

    private func launch(_ request: RunRequest) -> LaunchRequest {
        var generator = SystemGenerator()
        return LaunchRequest(
            execution: Sample.id("e"), request: request, appendToken: Secret(.appendToken, using: &generator))
    }

    @Test("stops a task that is noted, and has others looked for")
    func stop() async throws {
        let (engine, http) = engine(.answer(200))
        try await engine.stop(Sample.execution("e", producer: .runner))
        #expect(queue.take() == [.init(message: .init(.probe, of: Sample.id("e")), delay: .zero)])
        #expect(http.requests.isEmpty)
        try await tasks.add(task, of: Sample.id("e"))
        try await engine.stop(Sample.execution("e", producer: .runner))
        #expect(queue.sent.isEmpty)
        #expect(http.requests.map { String(buffer: $0.body).contains("arn:1") } == [true])
    }

    @Test("looks after a minute whether a producer elsewhere has heard of its stop")
    func stopElsewhere() async throws {
        let (engine, http) = engine()
        try await engine.stop(Sample.execution("e", producer: .external))
        #expect(queue.take() == [.init(message: .init(.probe, of: Sample.id("e")), delay: .seconds(60))])
        #expect(http.requests.isEmpty)
    }

    @Test("says whether nothing was started, or that it isn't known")
    func starts() async throws {
        let (engine, _) = engine(.answer(400, #"{"__type":"ClientException","message":"no vCPUs"}"#), .answer(400))
        let launch = launch(RunRequest(command: ["a"]))
        await #expect(throws: StartRefused(reason: "ECS refused to start the command: no vCPUs")) {
            try await engine.start(launch)
        }
        let (unreachable, _) = self.engine()
        await #expect(throws: StartUnclear.self) { try await unreachable.start(launch) }
    }

    @Test("refuses what has no way through CloudWatch, and what is too long for ECS")
    func check() async throws {
        let (engine, _) = engine()
        try await engine.check(RunRequest(command: ["a"]))
        await #expect(throws: CommandRefusal.notSupported("Commands run here without a terminal.")) {
            try await engine.check(RunRequest(command: ["a"], terminal: .usual))
        }
        await #expect(throws: CommandRefusal.self) {
            try await engine.check(RunRequest(command: [String(repeating: "a", count: 8192)]))
        }
    }

    @Test("knows no command without a task, one that runs, and one that has ended")
    func inspect() async throws {
        #expect(try await engine().0.inspect(Sample.id("e")) == .unknown)
        try await tasks.add(task, of: Sample.id("e"))
        let runs = "{\"taskArn\":\"arn:1\",\"lastStatus\":\"RUNNING\"}"
        #expect(try await engine(described: runs).0.inspect(Sample.id("e")) == .running)
        let ended = """
            {"taskArn":"arn:1","lastStatus":"STOPPED","stopCode":"EssentialContainerExited","stoppedAt":1,
            "containers":[{"name":"command","exitCode":3}]}
            """
        let outcome = ExecutionOutcome(status: .failed, exitCode: 3)
        #expect(try await engine(described: ended).0.inspect(Sample.id("e")) == .ended(outcome))
    }
}
