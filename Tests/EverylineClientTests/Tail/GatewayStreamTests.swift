import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A viewer's side of a gateway's stream") struct GatewayStreamTests {
    private let start = ContinuousClock.now
    private let execution: ExecutionID

    init() throws { execution = try #require(ExecutionID("e1")) }

    private func stream(after offset: UInt64 = 3) -> GatewayStream {
        GatewayStream(of: execution, after: Offset(offset), at: start)
    }

    private func block(_ lines: [String], generation: UInt64 = 1, of execution: String = "e1") -> ByteBuffer {
        GatewayFrame.block(
            generation: generation, start: .zero, execution: ExecutionID(execution) ?? self.execution,
            lines: ByteBuffer(lines: lines)
        ).message
    }

    @Test("opens with a resumption after what is known")
    func opening() {
        #expect(stream().opening == .resume(generation: 1, after: Offset(3)))
    }

    @Test("gives the lines of a block that is meant for it")
    func lines() {
        var stream = stream()
        let lines = Lines.lines(4...5)
        #expect(stream.receive(block(lines), at: start) == .lines(ByteBuffer(lines: lines)))
    }

    @Test(
        "passes over a block of another generation or another execution",
        arguments: [(UInt64(0), "e1"), (2, "e1"), (1, "e2")])
    func strangers(generation: UInt64, execution: String) {
        var stream = stream()
        let stranger = block(Lines.lines(4...5), generation: generation, of: execution)
        #expect(stream.receive(stranger, at: start) == .nothing)
        #expect(stream.speak(at: start + .seconds(5)) == .resume(generation: 1, after: Offset(3)))
    }

    @Test("says its resumption again until it holds")
    func repetition() {
        var stream = stream()
        #expect(stream.speak(at: start + .milliseconds(4999)) == nil)
        #expect(stream.speak(at: start + .seconds(5)) == stream.opening)
        #expect(stream.speak(at: start + .seconds(9)) == nil)
        #expect(stream.speak(at: start + .seconds(10)) == stream.opening)
        let resumed = GatewayFrame.resumed(generation: 1, head: Offset(9)).message
        let heartbeat = ByteBuffer(string: Lines.heartbeat(9))
        #expect(stream.receive(resumed, at: start + .seconds(11)) == .lines(heartbeat))
        #expect(stream.speak(at: start + .seconds(20)) == nil)
    }

    @Test("breaks each silence with a ping that says what it has")
    func ping() {
        var stream = stream()
        _ = stream.receive(block(Lines.lines(4...6)), at: start + .seconds(1))
        #expect(stream.speak(at: start + .seconds(25)) == nil)
        #expect(stream.speak(at: start + .seconds(26)) == .ping(have: Offset(6)))
        #expect(stream.speak(at: start + .seconds(50)) == nil)
        let heartbeat = ByteBuffer(string: Lines.heartbeat(6))
        #expect(stream.receive(heartbeat, at: start + .seconds(50)) == .lines(heartbeat))
        #expect(stream.speak(at: start + .seconds(74)) == nil)
        #expect(stream.speak(at: start + .seconds(75)) == .ping(have: Offset(6)))
    }

    @Test("knows the gateway's own complaints")
    func refusal() {
        var stream = stream()
        let text = #"{"message":"Internal server error","connectionId":"a=","requestId":"b"}"#
        #expect(stream.receive(ByteBuffer(string: text), at: start) == .refused(text))
    }
}
