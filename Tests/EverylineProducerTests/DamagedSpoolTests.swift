import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineProducer

@Suite("A damaged spool") struct DamagedSpoolTests {
    private func uplink(_ spool: Spool, _ server: MemoryServer) -> Uplink {
        Uplink(
            spool: spool, endpoint: server.endpoint, policy: RetryPolicy(), clock: InstantClock(),
            now: { Timestamp(milliseconds: 5) }, willRetry: { _ in })
    }

    /// A spool of two files with twenty lines and an end, whose disk changes something.
    private func damaged(
        _ part: String, to other: String? = nil, event: (Int) -> ByteBuffer = { event("line \($0)") }
    ) throws -> (disk: FaultyDisk, live: Spool) {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk, limits: .init(segment: 400))
        for number in 1...20 { spool.write(event(number), count: 1) }
        spool.write(endEvent, count: 1, isEnd: true)
        disk.damage(part, to: other)
        return (disk, spool)
    }

    /// What the log of those lines says where these are lost.
    private func lines(without lost: some Sequence<Int>) -> [String] {
        (1...20).map { Set(lost).contains($0) ? Uplink.damaged : "line \($0)" }
    }

    @Test(
        "says so in the place of a line that the disk has damaged, and brings those beside it",
        arguments: [(#""message":"line 5""#, 5), (#"{"timestamp":1,"message":"line 10"}"#, 10)])
    func damagedLine(part: String, number: Int) async throws {
        let server = MemoryServer()
        #expect(try await uplink(damaged(part).live, server).run() == .delivered)
        #expect(server.messages == lines(without: [number]))
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("ends a log whose end the disk has damaged, as the process that wrote it knows it, or another one says")
    func damagedEnd() async throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        spool.write(event("line 1"), count: 1)
        spool.write(endEvent, count: 1, isEnd: true)
        disk.damage(#""status""#)
        let server = MemoryServer()
        #expect(try await uplink(spool, server).run() == .delivered)
        #expect(server.lines.last.map(isEnd) == true)
        let successors = MemoryServer()
        #expect(try await uplink(try Spool(on: disk), successors).runForLostProcess() == .delivered)
        let codes = successors.lines.map { field("code", in: $0) ?? field("type", in: $0) }
        #expect(codes == [nil, NoticeCode.linesLost.rawValue, NoticeCode.runnerLost.rawValue, "end"])
    }

    @Test(
        "names each line that damage takes, in its place, also where the disk has made one line of two, or two of one",
        arguments: [
            ("line 3\"}\n", "line 3\"}#", [3, 4]), ("line 3", "li\ne 3", [3]), ("line 3\"}\n", "\n", [3]),
            ("3\"}\n", "3\"}#", [3, 4, 13, 14]), ("line 3\"}\n{", "line 3\"}##", [3, 4]),
        ])
    func damagedNewline(part: String, other: String, lost: [Int]) async throws {
        // The server has some of the lines behind the damage already.
        for known in [0, 6] {
            let (disk, _) = try damaged(part, to: other)
            let server = MemoryServer(lines: (0..<known).map { "{\"timestamp\":1,\"message\":\"line \($0 + 1)\"}" })
            #expect(try await uplink(try Spool(on: disk), server).run() == .delivered)
            #expect(server.messages == lines(without: lost.filter { known < $0 }), "with \(known) known")
            #expect(server.lines.last.map(isEnd) == true)
        }
    }

    @Test(
        "ends a log whose lines the disk loses while they are delivered, and says how many are missing",
        arguments: ["line 3\"}\n", "line 19\"}\n", "{\"timestamp\":1,\"message\":\"line 2\"}\n"])
    func lostNewline(part: String) async throws {
        let (_, spool) = try damaged(part, to: part.hasPrefix("{") ? "" : "#")
        let server = MemoryServer()
        #expect(try await uplink(spool, server).run() == .delivered)
        #expect(server.lines.count == 21)
        #expect(server.lines.last.map(isEnd) == true)
        #expect(server.messages.contains(Uplink.damaged))
        #expect(server.messages.contains("line 18"))
    }

    @Test("names what the oldest file had, where that is gone, and brings what is behind it")
    func missingFile() async throws {
        let (disk, _) = try damaged("nothing")
        let names = try disk.names().sorted()
        try disk.remove(names[0])
        let server = MemoryServer(lines: (1...3).map { "{\"timestamp\":1,\"message\":\"line \($0)\"}" })
        let spool = try Spool(on: disk)
        let first = Int(spool.acknowledged.rawValue) + 1
        try #require(first > 5)
        #expect(try await uplink(spool, server).run() == .delivered)
        #expect(server.messages == lines(without: 4..<first))
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test(
        "puts no notice at a time that goes backwards",
        arguments: ["{\"timestamp\":4,", "p\":4", "\"message\":\"line 4\""])
    func times(part: String) async throws {
        let event = { (number: Int) in ByteBuffer(string: "{\"timestamp\":\(number),\"message\":\"line \(number)\"}\n")
        }
        let other = part == "p\":4" ? "p\":9999999999999" : nil
        for known in [0, 3] {
            let (disk, _) = try damaged(part, to: other, event: event)
            let server = MemoryServer(lines: (0..<known).map { String(String(buffer: event($0 + 1)).dropLast()) })
            let uplink = Uplink(
                spool: try Spool(on: disk), endpoint: server.endpoint, policy: RetryPolicy(), clock: InstantClock(),
                now: { Timestamp(milliseconds: 1_000) }, willRetry: { _ in })
            #expect(try await uplink.run() == .delivered)
            let times = server.lines.dropLast().compactMap { ByteBuffer(string: $0).eventTime }
            #expect(times.count == 20)
            if other == nil { #expect(times == times.sorted()) }
        }
    }

    @Test("ends a log into whose spool the command writes while it runs")
    func strangeLine() async throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        let server = MemoryServer()
        spool.write(event("a"), count: 1)
        async let conclusion = uplink(spool, server).run()
        while spool.delivered < 1 { await Task.yield() }
        disk.damage("\"a\"}\n", to: "\"a\"}\njunk\n")
        spool.write(event("b"), count: 1)
        while spool.delivered < 2 { await Task.yield() }
        spool.write(endEvent, count: 1, isEnd: true)
        #expect(try await conclusion == .delivered)
        #expect(server.messages == ["a", Uplink.damaged])
        #expect(server.lines.count == 3)
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("keeps what a server doesn't understand that no disk has damaged")
    func misunderstood() async throws {
        let server = MemoryServer()
        let code = Problem.Code.invalidEvent
        server.fail(APIError(status: code.status, code: code.rawValue, detail: "Line 1: unknown field"))
        guard case .refused(let error) = try await uplink(damaged("nothing").live, server).run() else {
            Issue.record("The server's refusal counts")
            return
        }
        #expect(error.knownCode == .invalidEvent)
    }
}
