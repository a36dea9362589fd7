import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("Completion") struct CompletionFunctionTests {
    private let queue = InMemoryReconcileQueue()

    private var function: CompletionFunction {
        CompletionFunction(
            queue: queue, stream: { LogStreamName(group: "g", name: "run/command/\($0)") }, logger: .silent)
    }

    private func event(
        status: String = "STOPPED", startedBy: String = "e1", stopCode: String = "EssentialContainerExited",
        exitCode: Int? = 0
    ) -> LambdaInvocation {
        let code = exitCode.map { ",\"exitCode\":\($0)" } ?? ""
        return Event.invocation(
            """
            {"id":"x","source":"aws.ecs","detail-type":"ECS Task State Change","region":"r","time":"2026-01-01T00:00:01Z",
            "detail":{"taskArn":"arn:aws:ecs:r:1:task/c/t1","lastStatus":"\(status)","startedBy":"\(startedBy)",
            "stopCode":"\(stopCode)","containers":[{"name":"command"\(code)}]}}
            """)
    }

    @Test("has the execution's log reconciled, after a while in which its last lines come by themselves")
    func end() async throws {
        _ = try await function.handle(event(exitCode: 3))
        let task = StoppedTask(
            stream: LogStreamName(group: "g", name: "run/command/t1"),
            outcome: ExecutionOutcome(status: .failed, exitCode: 3),
            stoppedAt: Timestamp(milliseconds: 1_767_225_601_000))
        #expect(queue.sent == [.init(message: .init(.stopped(task), of: Sample.id("e1")), delay: .seconds(5))])
    }

    @Test("minds no other state and no other owner's tasks")
    func others() async throws {
        _ = try await function.handle(event(status: "RUNNING"))
        _ = try await function.handle(event(startedBy: "ecs-svc/1 2"))
        #expect(queue.sent.isEmpty)
    }

    @Test(
        "knows each way in which a task ends",
        arguments: [
            ("EssentialContainerExited", 0, ExecutionOutcome(status: .succeeded, exitCode: 0)),
            ("EssentialContainerExited", 9, ExecutionOutcome(status: .failed, exitCode: 9)),
            ("EssentialContainerExited", 124, ExecutionOutcome(status: .failed, exitCode: 124, reason: .timedOut)),
            ("UserInitiated", 143, ExecutionOutcome(status: .stopped, exitCode: 143, reason: .stopRequested)),
            ("TaskFailedToStart", nil, ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted)),
            ("SpotInterruption", nil, ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)),
        ] as [(String, Int?, ExecutionOutcome)])
    func outcomes(stopCode: String, exitCode: Int?, outcome: ExecutionOutcome) async throws {
        _ = try await function.handle(event(stopCode: stopCode, exitCode: exitCode))
        guard case .stopped(let task) = queue.sent.first?.message.cause else {
            Issue.record("\(queue.sent) has no stopped task")
            return
        }
        #expect(task.outcome == outcome)
    }

    @Test("keeps why a task was never started, on one line and no longer than a message has room for")
    func startFailure() throws {
        func task(_ code: String, _ reason: String, _ container: String) throws -> ECSTask {
            let answer = """
                {"taskArn":"a/b/t","stopCode":"\(code)","stoppedReason":"\(reason)",
                "containers":[{"name":"command","reason":"\(container)"}]}
                """
            return try LambdaEvent.decode(ECSTask.self, from: ByteBuffer(string: answer))
        }
        let failed = try task("TaskFailedToStart", "CannotPullContainerError: pull\\nfailed", "not found")
        #expect(
            failed.startFailure
                == "ECS could not start the command's task: CannotPullContainerError: pull failed not found")
        #expect(try task("TaskFailedToStart", "", "").startFailure?.hasSuffix("gives no reason") == true)
        #expect(
            try task("TaskFailedToStart", String(repeating: "ü", count: 9000), "").startFailure?.utf8.count ?? 0 < 4200)
        #expect(try task("EssentialContainerExited", "Essential container in task exited", "").startFailure == nil)
    }
}
