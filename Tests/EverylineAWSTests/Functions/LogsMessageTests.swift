import Everyline
import EverylineAWS
import EverylineTesting
import Testing

@Suite("A message of the logs' queue") struct LogsMessageTests {
    @Test("arrives as it was sent, whatever is in a line")
    func lines() throws {
        let message = LogsMessage(
            ["", "\u{1E}1 ", "\u{1E}2+\u{0}\u{1B}[31m\u{FFFF}\n🙂\"", "\u{1E}3=124 timed_out"].map {
                SourceEvent(message: $0, at: Timestamp(milliseconds: 1001))
            })
        let body = try #require(message.body)
        // SQS takes none of these characters as they are.
        #expect(body.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        #expect(try LogsMessage(body: body) == message)
    }

    @Test("is none if it would be larger than the queue takes")
    func tooLarge() {
        var generator = SystemGenerator()
        let bytes = (0..<400_000).map { _ in UInt8.random(in: 33...126, using: &generator) }
        let noise = String(decoding: bytes, as: UTF8.self)
        #expect(LogsMessage([SourceEvent(1, .line, noise, at: .epoch)]).body == nil)
        #expect(LogsMessage([SourceEvent(1, .line, String(repeating: "x", count: 400_000), at: .epoch)]).body != nil)
    }

    @Test("is refused if it is not from our own log group", arguments: ["", "{}", "aGVsbG8="])
    func foreign(body: String) {
        #expect(throws: LambdaEventError.self) { try LogsMessage(body: body) }
    }
}

@Suite("A message of the queue of reconciling") struct ReconcileMessageTests {
    @Test("arrives as it was sent")
    func arrives() throws {
        let task = StoppedTask(
            stream: LogStreamName(group: "g", name: "s\""),
            outcome: ExecutionOutcome(status: .failed, exitCode: 3, reason: .timedOut),
            stoppedAt: Timestamp(milliseconds: 77))
        let place = Reconciler.Place(
            start: Timestamp(milliseconds: 5), position: SourcePosition(token: "a\"b"), next: 7, hasMoved: true,
            ahead: 1 << 53,
            windowEnd: Timestamp(milliseconds: 6))
        let places = [nil, place, .init(start: .epoch, position: SourcePosition(token: "t"), next: 7, hasMoved: false)]
        for seen in [nil, Reconciler.Seen(next: 9, parked: []), .init(next: 1, parked: [3...3, 5...1 << 53])] {
            for cause in [ReconcileMessage.Cause.probe, .stopped(task)] {
                for place in places {
                    let message = ReconcileMessage(cause, of: Sample.id("e"), seen: seen, place: place)
                    #expect(try ReconcileMessage(body: message.body) == message)
                }
            }
        }
    }

    @Test(
        "is refused if it is not from our own log group",
        arguments: [
            "", "{}", "{\"execution\":\"no id!\"}", "{\"execution\":\"e\",\"seen\":{\"next\":1,\"parked\":\"5-3\"}}",
            "{\"execution\":\"e\",\"seen\":{\"next\":-1,\"parked\":\"\"}}",
            """
            {"execution":"e","stopped":{"group":"g","stream":"s","status":"RUNNING","stoppedAt":1}}
            """,
        ])
    func foreign(body: String) {
        #expect(throws: LambdaEventError.self) { try ReconcileMessage(body: body) }
    }
}
