@testable import Everyline
@testable import EverylineAWS
import EverylineDeflate
import Foundation
import NIOCore

extension FuzzTarget {
    /// What a subscription of CloudWatch Logs brings (gzip in base64 in JSON), and what a queue carries on: the input
    /// is the JSON, and once more the gzip.
    static let subscription = FuzzTarget(name: "subscription") { input in
        let zipped = input.bytes.deflated(as: .gzip, level: 1)
        for payload in [zipped, input.bytes] {
            let data = Data(payload.readableBytesView).base64EncodedString()
            try FuzzTarget.checkMessage(data)
            let limit: ByteCount = 4096
            let event: LogsSubscriptionEvent
            do {
                event = try LogsSubscriptionEvent(
                    ByteBuffer(string: #"{"awslogs":{"data":"\#(data)"}}"#), limit: limit)
            } catch is LambdaEventError {
                continue
            }
            expect(payload != zipped || input.bytes.readableBytes <= limit, "no more than the limit is inflated")
            try pack(event.events)
        }
    }

    /// Every event is in a message that travels, or was named as left out.
    private static func pack(_ events: [CloudWatchLogs.Event]) throws {
        var leftOut: [CloudWatchLogs.Event] = []
        var packed: [SourceEvent] = []
        for message in LinePacking.messages(of: events, onLeftOut: { leftOut.append($0) }) {
            guard let body = message.message.body else { return expect(false, "a message fits into its queue") }
            packed += try LogsMessage(body: body).events
        }
        expect(packed.count + leftOut.count == events.count, "every event goes on")
        expect(packed == events.map { SourceEvent($0) } || !leftOut.isEmpty, "events go on as they came")
    }
}
