import Everyline
import EverylineRunner
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@testable import EverylineProducer

@Suite("An uplink") struct UplinkTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID
    private let clock = InstantClock()

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private func spool(_ count: Int, ended: Bool = true, limits: Spool.Limits = .init()) throws -> Spool {
        let spool = try Spool(in: directory.path + "/spool", limits: limits)
        for number in 0..<count { spool.write(event("line \(number + 1)"), count: 1) }
        if ended { spool.write(endEvent, count: 1, isEnd: true) }
        return spool
    }

    private func uplink(_ spool: Spool, _ server: MemoryServer) -> Uplink {
        Uplink(
            spool: spool, endpoint: server.endpoint, policy: RetryPolicy(), clock: clock,
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
            spool.write(event("line \(number + 1)"), count: 1)
            await Task.yield()
        }
        spool.write(endEvent, count: 1, isEnd: true)
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
        do {
            let spool = try spool(300, limits: .init(segment: 500))
            spool.losePlace()
            spool.acknowledge(through: 200)
        }
        let spool = try Spool(in: directory.path + "/spool")
        #expect(spool.acknowledged > 100)
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
        "gives up when the server itself doesn't want it",
        arguments: [Problem.Code.ended, .unknownExecution, .unauthorized, .forbidden, .invalidEvent])
    func refused(code: Problem.Code) async throws {
        let server = MemoryServer()
        let error = APIError(status: code.status, code: code.rawValue, detail: "no")
        server.fail(error)
        #expect(try await uplink(spool(1), server).run() == .refused(error))
    }

    @Test(
        "takes an answer that isn't Everyline's for a passing fault, whatever its status",
        arguments: [
            200, 302, 400, 401, 403, 404, 405, 409, 410, 413, 418, 429, 444, 500, 501, 502, 503, 504, 520, 521, 599,
        ])
    func foreignAnswers(status: Int) async throws {
        let server = MemoryServer()
        let foreign: any Error =
            status == 200
            ? ClientError.unexpectedAnswer("HTML") : APIError(status: status, code: "http_\(status)", detail: "no")
        // A known code with another status is another product's.
        let strange = APIError(status: status, code: "some_other_code", detail: "no")
        server.fail(foreign, strange, foreign)
        #expect(try await uplink(spool(10), server).run() == .delivered)
        #expect(server.messages == lines(10))
    }

    @Test(
        "doesn't believe that the log has what this producer never wrote",
        arguments: [105, 4_294_967_296, Offset.maximum.rawValue] as [UInt64])
    func impossibleHead(head: UInt64) async throws {
        let server = MemoryServer()
        let spool = try spool(100)
        let lies = Mutex(6)
        let uplink = Uplink(
            spool: spool,
            endpoint: server.endpoint { events, after, incarnation in
                let left = lies.withLock { left in
                    left -= 1
                    return left
                }
                if left >= 3 { return .init(head: Offset(head)) }
                if left >= 0 {
                    let code = Problem.Code.outOfOrder
                    throw APIError(status: code.status, code: code.rawValue, detail: "no", head: Offset(head))
                }
                return try await server.endpoint.append(events, after, incarnation)
            }, policy: RetryPolicy(), clock: clock, isFirst: true, now: { Timestamp(milliseconds: 5) },
            willRetry: { _ in })
        #expect(try await uplink.run() == .delivered)
        #expect(server.messages == lines(100))
    }

    @Test(
        "doesn't believe in a restore that can't have been",
        arguments: [(Offset.maximum.rawValue, 1), (0, Int.max), (0, 0)] as [(UInt64, Int)])
    func impossibleRestore(base: UInt64, count: Int) async throws {
        let server = MemoryServer()
        let restoration = Restoration(
            to: try #require(Incarnation("i9")), base: Offset(base), count: count)
        let code = Problem.Code.otherIncarnation
        let lie = APIError(
            status: code.status, code: code.rawValue, detail: "no", head: .zero, restoration: restoration)
        server.fail(lie, lie, lie)
        #expect(try await uplink(spool(100), server).run() == .delivered)
        #expect(server.messages == lines(100))
    }

    @Test("takes Everyline's words under another status for another product's")
    func borrowedCode() async throws {
        let server = MemoryServer()
        server.fail(APIError(status: 502, code: Problem.Code.ended.rawValue, detail: "no"))
        #expect(try await uplink(spool(10), server).run() == .delivered)
    }

    @Test("halves its batches for a proxy that takes small bodies only, down to one line")
    func foreignLimit() async throws {
        let server = MemoryServer(bodyLimit: 80, isForeign: true)
        #expect(try await uplink(spool(40), server).run() == .delivered)
        #expect(server.messages == lines(40))
    }

    @Test("says what is missing where the spool can't be read any more, and still ends the log")
    func unreadableSpool() async throws {
        let server = MemoryServer()
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        for number in 1...10 { spool.write(event("line \(number)"), count: 1) }
        spool.write(endEvent, count: 1, isEnd: true)
        disk.setMayRead(false)
        #expect(try await uplink(spool, server).run() == .delivered)
        #expect(server.lines.map { field("type", in: $0) } == ["notice", "end"])
        #expect(field("code", in: server.lines[0]) == NoticeCode.linesLost.rawValue)
    }

    @Test(
        "ends the log of a process that is gone behind what that process sent last, however late that arrives",
        arguments: [["line 4"], ["line 4", "line 5", "line 6"]])
    func lateArrivals(messages: [String]) async throws {
        let late = messages.map { "{\"timestamp\":1,\"message\":\"\($0)\"}" }
        let server = MemoryServer(lines: lines(3).map { "{\"timestamp\":1,\"message\":\"\($0)\"}" })
        server.arrivesLate(late)
        #expect(try await uplink(spool(3, ended: false), server).runForLostProcess() == .delivered)
        #expect(Array(server.lines.dropFirst(3).prefix(late.count)) == late)
        let codes = server.lines.dropFirst(3 + late.count).map { field("code", in: $0) ?? field("type", in: $0) }
        #expect(codes == [NoticeCode.runnerLost.rawValue, "end"])
    }

    @Test("takes the end of a process that is gone for delivered where that comes first after all")
    func lateEnd() async throws {
        let server = MemoryServer(lines: lines(3).map { "{\"timestamp\":1,\"message\":\"\($0)\"}" })
        server.arrivesLate([String(String(buffer: endEvent).dropLast())])
        #expect(try await uplink(spool(3, ended: false), server).runForLostProcess() == .delivered)
        #expect(server.lines.count == 4)
    }
}

@Suite("The pace of batches") struct BatchPaceTests {
    @Test("grows while the link is fast, to a mebibyte")
    func grows() {
        var pace = BatchPace()
        for _ in 0..<20 { pace.took(.milliseconds(10), bytes: pace.limit) }
        #expect(pace.limit == .mebibytes(1))
    }

    @Test("comes down to what a slow link takes in about two seconds")
    func slowLink() {
        var pace = BatchPace()
        let bytesPerSecond = 24 << 10
        for _ in 0..<20 { pace.took(.milliseconds(pace.limit * 1000 / bytesPerSecond), bytes: pace.limit) }
        #expect(pace.limit * 1000 / bytesPerSecond <= 2000)
        #expect(pace.limit >= .kibibytes(16))
    }

    @Test("doesn't grow by batches that were small because there was no more")
    func smallBatches() {
        var pace = BatchPace()
        let before = pace.limit
        for _ in 0..<20 { pace.took(.milliseconds(1), bytes: 100) }
        #expect(pace.limit == before)
    }
}
