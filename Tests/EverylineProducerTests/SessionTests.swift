import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineProducer
@testable import EverylineRunner

@Suite("A producer's session", .timeLimit(.minutes(5))) struct SessionTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID
    private let stop = StopSignal()

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private func run(
        _ server: MemoryServer, clock: InstantClock = InstantClock(), _ command: String...
    ) async throws -> (ExecutionOutcome, Uplink.Conclusion) {
        let spool = try Spool(in: directory.path + "/spool")
        let recorder = Recorder(spool: spool, lineLimit: .kibibytes(256), now: { Timestamp(milliseconds: 5) })
        let uplink = Uplink(
            spool: spool, endpoint: server.endpoint, policy: RetryPolicy(), clock: clock,
            now: { Timestamp(milliseconds: 5) }, stopRequested: { [stop] in stop.stop(.requested) },
            willRetry: { _ in })
        let request = RunRequest(command: command)
        let process = CommandProcess(request, environment: CommandEnvironment([Array("PATH=/usr/bin:/bin".utf8)]))
        let (value, conclusion) = try await ProducerSession(uplink, recorder: recorder, stop: stop).run {
            [stop, execution] in
            try await Runner(process, of: execution, recorder: recorder, stop: stop, clock: ContinuousClock()).run()
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

    @Test("lets a command run to its end whose log has ended without it, and says so at once")
    func refused() async throws {
        let server = MemoryServer(lines: ["{\"timestamp\":2,\"type\":\"end\",\"status\":\"STOPPED\"}"])
        let (outcome, conclusion) = try await run(server, "sh", "-c", "echo something; sleep 0.2; exit 7")
        guard case .refused(let error) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(error.knownCode == .ended)
        #expect(outcome == ExecutionOutcome(status: .failed, exitCode: 7))
        #expect(stop.reason == nil)
    }

    @Test("asks again after the time that a server names which keeps no question waiting")
    func polls() async throws {
        let server = MemoryServer()
        server.answerPolls(
            .init(isRequested: false, pause: .seconds(30)), .init(isRequested: false, pause: .seconds(7)),
            .init(isRequested: true))
        let clock = InstantClock()
        let (outcome, _) = try await run(server, clock: clock, "sleep", "1000")
        #expect(outcome.reason == .stopRequested)
        #expect(clock.sleeps.filter { $0 > .seconds(6) } == [.seconds(30), .seconds(7)])
        #expect(server.unansweredPolls == 0)
    }

    @Test("stops the command when an append's answer says so")
    func stopsByAnswer() async throws {
        let server = MemoryServer()
        server.requestStopByAnswers()
        let (outcome, conclusion) = try await run(server, "sh", "-c", "echo something; sleep 1000")
        #expect(conclusion == .delivered)
        #expect(outcome.reason == .stopRequested)
    }
}
