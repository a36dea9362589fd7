import Everyline
import EverylineAWS
import EverylineTesting
import Testing

@Suite("A message of the logs' queue") struct LogsMessageTests {
    @Test("arrives as it was sent, whatever is in a line")
    func lines() throws {
        let message = LogsMessage.lines([Event.line(1, ""), Event.line(2, "\u{0}\u{1B}[31m\u{FFFF}\n🙂\"")])
        let body = try #require(message.body)
        // SQS takes none of these characters as they are.
        #expect(body.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        #expect(try LogsMessage(body) == message)
    }

    @Test("says how a task has stopped")
    func stopped() throws {
        let message = LogsMessage.stopped(
            StoppedTask(
                stream: LogStreamName(group: "g", name: "s"),
                outcome: ExecutionOutcome(status: .failed, exitCode: 3, reason: .timedOut),
                stoppedAt: Timestamp(milliseconds: 77)))
        #expect(try LogsMessage(#require(message.body)) == message)
    }

    @Test("is none if it would be larger than the queue takes")
    func tooLarge() {
        var generator = SystemGenerator()
        let bytes = (0..<400_000).map { _ in UInt8.random(in: 33...126, using: &generator) }
        let noise = String(decoding: bytes, as: UTF8.self)
        #expect(LogsMessage.lines([Event.line(1, noise)]).body == nil)
        #expect(LogsMessage.lines([Event.line(1, String(repeating: "x", count: 400_000))]).body != nil)
    }

    @Test("is refused if nobody here has sent it", arguments: ["", "{}", "aGVsbG8="])
    func foreign(body: String) {
        #expect(throws: LambdaEventError.self) { try LogsMessage(body) }
    }
}
