package import Everyline
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What stands in a message of the queue of logs' events, whose group is the execution.
///
/// It travels as JSON in gzip in base64: SQS takes no control characters, which output is full of, and counts by size.
package enum LogsMessage: Sendable, Equatable {
    /// Events that CloudWatch has taken.
    case lines([CloudWatchLogs.Event])
    /// The execution's task has stopped: nothing is written to its stream any more.
    case stopped(StoppedTask)
    /// Somebody asks whether the execution's task still runs.
    case look

    /// The largest message as it travels.
    static let limit: ByteCount = SQSQueue.messageLimit
    /// What a message may decompress to.
    static let expandedLimit: ByteCount = .mebibytes(8)

    /// - Throws: ``LambdaEventError`` for what no function here has sent.
    package init(_ body: String) throws {
        guard let compressed = Data(base64Encoded: body) else { throw LambdaEventError.malformed("not base64") }
        let text: ByteBuffer
        do {
            text = try Zlib.inflate(ByteBuffer(bytes: compressed), as: .gzip, limit: Self.expandedLimit)
        } catch .tooLarge {
            throw LambdaEventError.tooLarge(limit: Self.expandedLimit)
        } catch {
            throw LambdaEventError.malformed("not gzip")
        }
        let form = try LambdaEvent.decode(Form.self, from: text)
        switch (form.lines, form.stopped, form.look) {
        case (let lines?, nil, nil): self = .lines(lines.map(\.event))
        case (nil, let stopped?, nil): self = .stopped(try stopped.task)
        case (nil, nil, true?): self = .look
        default: throw LambdaEventError.malformed("neither lines nor a stopped task nor a look")
        }
    }

    /// The message as it travels; `nil` if it would be too large.
    package var body: String? {
        let form: Form
        switch self {
        case .lines(let events): form = Form(lines: events.map(Form.Line.init))
        case .stopped(let task): form = Form(stopped: Form.Stopped(task))
        case .look: form = Form(look: true)
        }
        guard let text = try? LambdaEvent.encode(form), text.readableBytes <= Self.expandedLimit else { return nil }
        let body = Data(Zlib.deflate(text, as: .gzip).readableBytesView).base64EncodedString()
        return body.utf8.count <= Self.limit ? body : nil
    }

    /// Short names: there is one of each in every line.
    private struct Form: Codable {
        var lines: [Line]?
        var stopped: Stopped?
        var look: Bool?

        struct Line: Codable {
            let i: String
            let t: Int64
            let m: String

            init(_ event: CloudWatchLogs.Event) {
                i = event.id
                t = event.timestamp
                m = event.message
            }

            var event: CloudWatchLogs.Event { CloudWatchLogs.Event(id: i, timestamp: t, message: m) }
        }

        struct Stopped: Codable {
            let group: String
            let stream: String
            let status: String
            let exitCode: Int32?
            let reason: String?
            let stoppedAt: Int64

            init(_ task: StoppedTask) {
                group = task.stream.group
                stream = task.stream.name
                status = task.outcome.status.rawValue
                exitCode = task.outcome.exitCode
                reason = task.outcome.reason?.rawValue
                stoppedAt = task.stoppedAt.milliseconds
            }

            var task: StoppedTask {
                get throws {
                    guard let status = ExecutionStatus(rawValue: status), status.isTerminal else {
                        throw LambdaEventError.malformed("stopped.status")
                    }
                    return StoppedTask(
                        stream: LogStreamName(group: group, name: stream),
                        outcome: ExecutionOutcome(
                            status: status, exitCode: exitCode, reason: reason.flatMap(ExecutionOutcome.Reason.init)),
                        stoppedAt: Timestamp(milliseconds: stoppedAt))
                }
            }
        }
    }
}

/// How an execution's task ended, and where its output is.
package struct StoppedTask: Sendable, Equatable {
    package let stream: LogStreamName
    package let outcome: ExecutionOutcome
    package let stoppedAt: Timestamp

    package init(stream: LogStreamName, outcome: ExecutionOutcome, stoppedAt: Timestamp) {
        self.stream = stream
        self.outcome = outcome
        self.stoppedAt = stoppedAt
    }
}

/// One stream of a log group of CloudWatch.
package struct LogStreamName: Sendable, Hashable {
    package let group: String
    package let name: String

    package init(group: String, name: String) {
        self.group = group
        self.name = name
    }
}
