import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

/// While a deployment is updated, functions of two versions send each other messages. What one version has sent, each
/// later one reads, and what it sends, each earlier one did: a form that changes changes `LogFormat`, too.
@Suite("What stands in the queues")
struct QueueFormTests {
    private let execution = Sample.id("e")

    @Test("of lines is read as it was sent first")
    func lines() throws {
        let events = [
            SourceEvent(message: "\u{1E}1 a", at: Timestamp(milliseconds: 1000)),
            SourceEvent(message: "\u{1E}2=0", at: Timestamp(milliseconds: 1001)),
        ]
        #expect(try LogsMessage(body: Self.linesBody).events == events)
        let text = try SourceEvents.encode(events)
        #expect(String(buffer: text) == #"{"lines":[{"m":"\u001e1 a","t":1000},{"m":"\u001e2=0","t":1001}]}"#)
    }

    /// Gzip of the JSON beside it, in base64.
    private static let linesBody =
        "H4sIAAAAAAACA6tWysnMSy1WsoquVspVslKKKTUwMEw1VEhU0lEqUbIyNDAwqNVBljKyNYBLGdbG1gIA5e1Yy0EAAAA="

    @Test("of notifications is read as it was sent first, and sent so")
    func notifications() {
        let notification = ConnectionPlace(id: ConnectionID("L0SM9cOFvHcCIhw="), execution: execution)
        #expect(
            notification.notification == "L0SM9cOFvHcCIhw= e"
                && ConnectionPlace(notification: notification.notification) == notification)
    }

    @Test("of reconciling is read as it was sent first, and sent so", arguments: Self.requests)
    func reconciling(body: String, message: ReconcileMessage) throws {
        #expect(try ReconcileMessage(body: body) == message)
        #expect(message.body == body)
    }

    private static let requests: [(String, ReconcileMessage)] = [
        (#"{"execution":"e"}"#, ReconcileMessage(.probe, of: Sample.id("e"))),
        (
            #"{"execution":"e","place":{"ahead":9,"moved":true,"next":4,"start":1000,"token":"p","window":2000},"#
                + #""seen":{"next":3,"parked":"5-6 8-8"}}"#,
            ReconcileMessage(
                .probe, of: Sample.id("e"), seen: .init(next: 3, parked: [5...6, 8...8]),
                place: .init(
                    start: Timestamp(milliseconds: 1000), position: SourcePosition(token: "p"), next: 4, hasMoved: true,
                    ahead: 9, windowEnd: Timestamp(milliseconds: 2000)))
        ),
        (
            #"{"execution":"e","stopped":{"exitCode":137,"group":"g","reason":"runner_lost","status":"FAILED","#
                + #""stoppedAt":5000,"stream":"run/command/t","why":"OutOfMemory"}}"#,
            ReconcileMessage(
                .stopped(
                    StoppedTask(
                        stream: LogStreamName(group: "g", name: "run/command/t"),
                        outcome: ExecutionOutcome(status: .failed, exitCode: 137, reason: .runnerLost),
                        stoppedAt: Timestamp(milliseconds: 5000), reason: "OutOfMemory")), of: Sample.id("e"))
        ),
    ]
}
