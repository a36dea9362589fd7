import Everyline
package import NIOCore

/// Counts the messages of each execution by the second in which they were sent, and reports the seconds in which one
/// execution had many: a message group takes 300 requests a second, and all messages of an execution are one group's.
///
/// The report is a line in embedded metric format, which CloudWatch makes a metric of. While there are no bursts there
/// is no line, and so no metric to pay for.
package final class BurstWatch: Sendable {
    private struct Second {
        var number: Int64
        var count = 0
        var isReported = false
    }

    private let function: String
    private let threshold: Int
    private let report: @Sendable (ByteBuffer) -> Void
    private let seconds = BoundedCache<String, Second>(limit: 1024)

    /// - Parameters:
    ///   - function: the metric's dimension.
    ///   - threshold: from how many messages a second on.
    ///   - report: takes a line, with its newline, for the function's log.
    package init(function: String, threshold: Int = 300, report: @escaping @Sendable (ByteBuffer) -> Void) {
        self.function = function
        self.threshold = threshold
        self.report = report
    }

    /// Notes a message that comes for the first time. A second is reported once, when it is full.
    func note(_ group: String, sentAt time: Timestamp) {
        let number = time.milliseconds / 1000
        let isBurst = seconds.change(group) { known in
            var second = known.flatMap { $0.number == number ? $0 : nil } ?? Second(number: number)
            second.count += 1
            let isBurst = second.count >= threshold && !second.isReported
            if isBurst { second.isReported = true }
            known = second
            return isBurst
        }
        if isBurst { report(line(group, time)) }
    }

    private func line(_ group: String, _ time: Timestamp) -> ByteBuffer {
        let metric = Line(
            aws: .init(
                timestamp: time.milliseconds,
                metrics: [
                    .init(namespace: "Everyline", dimensions: [["FunctionName"]], metrics: [.init(name: "Bursts")])
                ]),
            function: function, execution: group, bursts: 1)
        guard var text = try? LambdaEvent.encode(metric) else { preconditionFailure("texts and numbers are JSON") }
        text.writeString("\n")
        return text
    }

    private struct Line: Encodable {
        let aws: Root
        let function: String
        let execution: String
        let bursts: Int

        enum CodingKeys: String, CodingKey {
            case aws = "_aws"
            case function = "FunctionName"
            case execution = "execution_id"
            case bursts = "Bursts"
        }

        struct Root: Encodable {
            let timestamp: Int64
            let metrics: [Directive]

            enum CodingKeys: String, CodingKey {
                case timestamp = "Timestamp"
                case metrics = "CloudWatchMetrics"
            }
        }

        struct Directive: Encodable {
            let namespace: String
            let dimensions: [[String]]
            let metrics: [Metric]

            enum CodingKeys: String, CodingKey {
                case namespace = "Namespace"
                case dimensions = "Dimensions"
                case metrics = "Metrics"
            }
        }

        struct Metric: Encodable {
            let name: String
            var unit = "Count"

            enum CodingKeys: String, CodingKey {
                case name = "Name"
                case unit = "Unit"
            }
        }
    }
}
