import Everyline
import EverylineClient
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineRunner

@Suite("An uplink") struct UplinkTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID
    private let clock = InstantClock()

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private func spool(_ count: Int, ended: Bool = true, limits: Spool.Limits = .init()) throws -> Spool {
        let spool = try Spool(directory.path + "/spool", of: execution, limits: limits)
        for number in 0..<count { try spool.write(event("line \(number + 1)"), count: 1) }
        if ended { try spool.write(endEvent, count: 1, isEnd: true) }
        return spool
    }

    private func uplink(_ spool: Spool, _ server: MemoryServer) -> Uplink {
        Uplink(
            spool: spool, execution: execution, endpoint: server.endpoint, policy: RetryPolicy(), clock: clock,
            now: { Timestamp(milliseconds: 5) }, willRetry: { _ in })
    }

    private func lines(_ count: Int) -> [String] { (0..<count).map { "line \($0 + 1)" } }

    @Test("brings everything to the end")
    func delivers() async throws {
        let server = MemoryServer()
        #expect(try await uplink(spool(100), server).run() == .delivered)
        #expect(server.messages == lines(100))
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("brings what is written while it runs")
    func follows() async throws {
        let server = MemoryServer()
        let spool = try spool(0, ended: false)
        async let conclusion = uplink(spool, server).run()
        for number in 0..<200 {
            try spool.write(event("line \(number + 1)"), count: 1)
            await Task.yield()
        }
        try spool.write(endEvent, count: 1, isEnd: true)
        #expect(try await conclusion == .delivered)
        #expect(server.messages == lines(200))
    }

    @Test("tries again for as long as a failure may pass, also a full disk of the server's")
    func retries() async throws {
        let server = MemoryServer()
        let full = APIError(status: 507, code: Problem.Code.noSpace.rawValue, detail: "full")
        server.fail(ClientError.unreachable("down"), ClientError.timedOut, full, full, full)
        #expect(try await uplink(spool(10), server).run() == .delivered)
        #expect(server.messages == lines(10))
        #expect(clock.sleeps.count == 5)
    }

    @Test("appends nothing twice when answers are lost")
    func lostAnswers() async throws {
        let server = MemoryServer()
        server.loseAnswers(3)
        let conclusion = try await uplink(spool(10), server).run()
        #expect(server.messages == lines(10))
        #expect(server.lines.count == 11)
        // The answer to the end was lost: the repetition is refused because the log has ended, with everything.
        if case .refused(let error) = conclusion { #expect(error.knownCode == .ended) }
    }

    @Test("sends less at once when the server wants less")
    func smallerBodies() async throws {
        let server = MemoryServer(bodyLimit: 1000)
        #expect(try await uplink(spool(500), server).run() == .delivered)
        #expect(server.messages == lines(500))
    }

    @Test("says in a full log that the rest is missing, and still ends it")
    func fullLog() async throws {
        let server = MemoryServer(bodyLimit: 400, countLimit: 20)
        let spool = try spool(300, limits: .init(segment: 500))
        #expect(try await uplink(spool, server).run() == .delivered)
        let kept = server.lines.filter { field("code", in: $0) == nil && !isEnd($0) }
        #expect(kept.compactMap { field("message", in: $0) } == Array(lines(300).prefix(kept.count)))
        #expect(server.lines.filter { field("code", in: $0) == "log_full" }.count == 1)
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("ends a full log that an earlier process could not end")
    func fullLogAgain() async throws {
        let server = MemoryServer(lines: ["{\"timestamp\":1,\"message\":\"line 1\"}"])
        let spool = try spool(300, limits: .init(segment: 500))
        try spool.acknowledge(through: 200)
        #expect(try await uplink(spool, server).run() == .delivered)
        #expect(server.lines.dropFirst().map { field("type", in: $0) } == ["notice", "end"])
    }

    @Test("goes on where an earlier process was, whether or not that got the answer")
    func resumes() async throws {
        let known = (1...60).map { "{\"timestamp\":1,\"message\":\"line \($0)\"}" }
        let server = MemoryServer(lines: known)
        #expect(try await uplink(spool(100), server).run() == .delivered)
        #expect(server.messages == lines(100))
    }

    @Test(
        "gives up when the server doesn't want it",
        arguments: [Problem.Code.ended, .unknownExecution, .unauthorized, .forbidden, .invalidEvent])
    func refused(code: Problem.Code) async throws {
        let server = MemoryServer()
        let error = APIError(status: code.status, code: code.rawValue, detail: "no")
        server.fail(error)
        #expect(try await uplink(spool(1), server).run() == .refused(error))
    }
}
