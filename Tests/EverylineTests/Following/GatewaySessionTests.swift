import Everyline
import EverylineTesting
import NIOCore
import Testing

@Suite("A viewer's session with a gateway")
struct GatewaySessionTests {
    private let execution = Sample.id("e")

    private func frame(
        _ offsets: ClosedRange<UInt64>, generation: UInt64, of execution: String = "e", start: UInt64 = 0
    ) throws
        -> ByteBuffer
    {
        let body = Sample.body(offsets.map { "line \($0)" }, after: offsets.lowerBound - 1)
        let lines = try #require(body.block).message
        return GatewayFrame.block(
            generation: generation, start: Offset(start), execution: Sample.id(execution), lines: lines
        ).message
    }

    private func offsets(_ finding: GatewaySession.Finding) throws -> [UInt64] {
        try finding.message.map { try LogEvent.decode(lines: $0).map(\.offset.rawValue) } ?? []
    }

    private func opened(after offset: UInt64) -> GatewaySession {
        var session = GatewaySession(of: execution, after: Offset(offset))
        _ = session.open()
        return session
    }

    @Test("resumes first, says it again until it is acknowledged, then pings with what it has")
    func opening() throws {
        var session = GatewaySession(of: execution, after: Offset(4))
        let resume = ViewerMessage.resume(generation: 1, after: Offset(4))
        #expect(session.open() == resume)
        #expect(session.silence() == resume)
        #expect(session.take(GatewayFrame.resumed(generation: 0, head: Offset(4)).message) == .init())
        #expect(session.silence() == resume)
        // What it says of the head is read as a heartbeat; said again, it is nothing new.
        let resumed = GatewayFrame.resumed(generation: 1, head: Offset(4)).message
        #expect(session.take(resumed).message == StreamEncoding.blocks.heartbeat(head: Offset(4)))
        #expect(session.take(resumed) == .init())
        #expect(session.silence() == .ping(have: Offset(4)))
        #expect(try offsets(session.take(frame(5...7, generation: 1))) == [5, 6, 7])
        #expect(session.silence() == .ping(have: Offset(7)))
        #expect(try offsets(session.take(frame(8...8, generation: 1))) == [8])
        #expect(session.silence() == .ping(have: Offset(8)))
    }

    @Test("takes nothing of another generation or execution")
    func foreign() throws {
        var session = opened(after: 0)
        #expect(session.take(try frame(1...2, generation: 0)) == .init())
        #expect(session.take(try frame(1...2, generation: 2)) == .init())
        #expect(session.take(try frame(1...2, generation: 1, of: "f")) == .init())
        #expect(try offsets(session.take(frame(1...2, generation: 1))) == [1, 2])
    }

    @Test("resumes anew where a block would leave a hole, and takes repetitions")
    func hole() throws {
        var session = opened(after: 0)
        _ = session.take(try frame(1...3, generation: 1))
        #expect(try offsets(session.take(frame(2...4, generation: 1))) == [2, 3, 4])
        #expect(
            session.take(try frame(6...6, generation: 1))
                == .init(answer: .resume(generation: 2, after: Offset(4))))
        #expect(session.take(try frame(5...6, generation: 1)) == .init())
        #expect(session.silence() == .resume(generation: 2, after: Offset(4)))
        #expect(try offsets(session.take(frame(5...6, generation: 2))) == [5, 6])
        #expect(session.silence() == .ping(have: Offset(6)))
    }

    @Test("takes nothing from a slow sender to another viewer that had the connection's id, wherever that one began")
    func reusedID() throws {
        var session = opened(after: 0)
        #expect(session.take(try frame(5...6, generation: 0, start: 4)) == .init())
        #expect(session.silence() == .resume(generation: 1, after: .zero))
        let own = try frame(5...6, generation: 1, start: 4)
        #expect(session.take(own) == .init(answer: .resume(generation: 2, after: .zero)))
    }

    @Test("lets through what isn't a block")
    func control() {
        var session = opened(after: 0)
        let heartbeat = GatewayFrame.heartbeat(head: Offset(3)).message
        #expect(session.take(heartbeat).message == heartbeat)
    }
}
