import Everyline
import EverylineClient
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineRunner

@Suite("A producer's session", .timeLimit(.minutes(2))) struct SessionTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID
    private let stopping = Stopping()

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private func run(_ server: MemoryServer, _ command: String...) async throws -> (ExecutionOutcome, Uplink.Conclusion)
    {
        let spool = try Spool(directory.path + "/spool", of: execution)
        let recorder = Recorder(spool: spool, lineLimit: .kibibytes(256), now: { Timestamp(milliseconds: 5) })
        let uplink = Uplink(
            spool: spool, execution: execution, endpoint: server.endpoint, policy: RetryPolicy(), clock: InstantClock(),
            now: { Timestamp(milliseconds: 5) }, willRetry: { _ in })
        let request = RunRequest(command: command)
        let process = CommandProcess(request, environment: ["PATH": "/usr/bin:/bin"])
        let (value, conclusion) = try await ProducerSession(uplink, stopping: stopping).run { [stopping] in
            try await Runner(process, recorder: recorder, stopping: stopping, clock: ContinuousClock()).run()
        }
        return (value, conclusion)
    }

    @Test("brings a command's output to the server")
    func delivers() async throws {
        let server = MemoryServer()
        let (outcome, conclusion) = try await run(server, "seq", "10000")
        #expect(conclusion == .delivered)
        #expect(outcome == ExecutionOutcome(status: .succeeded, exitCode: 0))
        #expect(server.messages == (1...10000).map(String.init))
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("stops the command when the server asks for it")
    func stops() async throws {
        let server = MemoryServer()
        server.requestStop()
        let (outcome, conclusion) = try await run(server, "sleep", "1000")
        #expect(conclusion == .delivered)
        #expect(outcome == ExecutionOutcome(status: .stopped, exitCode: 143, reason: .stopRequested))
    }

    @Test("ends a command that nobody wants any more")
    func unwanted() async throws {
        let server = MemoryServer(lines: ["{\"timestamp\":2,\"type\":\"end\",\"status\":\"STOPPED\"}"])
        let (_, conclusion) = try await run(server, "sh", "-c", "echo something; sleep 1000")
        guard case .refused(let error) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(error.knownCode == .ended)
        #expect(stopping.reason == .unwanted)
    }
}
