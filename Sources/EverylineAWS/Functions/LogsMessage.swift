package import Everyline
import EverylineDeflate
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What stands in a message of the queue of logs' events, whose group is the execution: events that CloudWatch has
/// taken.
///
/// It travels as JSON in gzip in base64: SQS takes no control characters, which output is full of, and counts by size.
package struct LogsMessage: Sendable, Equatable {
    package let events: [SourceEvent]

    /// The largest message as it travels.
    static let limit: ByteCount = SQSQueue.messageLimit
    /// What a message may decompress to.
    static let expandedLimit: ByteCount = .mebibytes(8)

    package init(_ events: [SourceEvent]) { self.events = events }

    /// - Throws: ``LambdaEventError`` for what no function here has sent.
    package init(body: String) throws {
        guard let compressed = Data(base64Encoded: body) else { throw LambdaEventError.malformed("not base64") }
        let text: ByteBuffer
        do {
            text = try ByteBuffer(bytes: compressed).inflated(as: .gzip, limit: Self.expandedLimit)
        } catch .tooLarge {
            throw LambdaEventError.tooLarge(limit: Self.expandedLimit)
        } catch {
            throw LambdaEventError.malformed("not gzip")
        }
        events = try SourceEvents.decode(text)
    }

    /// The message as it travels; `nil` if it would be too large.
    package var body: String? {
        guard let text = try? SourceEvents.encode(events), text.readableBytes <= Self.expandedLimit else { return nil }
        let body = Data(text.deflated(as: .gzip).readableBytesView).base64EncodedString()
        return body.utf8.count <= Self.limit ? body : nil
    }
}

extension Timestamp {
    /// The nearest time that there is.
    init(clamping milliseconds: Int64) {
        self.init(milliseconds: min(max(0, milliseconds), Timestamp.maximum.milliseconds))
    }
}

/// CloudWatch's events as JSON, in messages and in items.
package enum SourceEvents {
    package static func encode(_ events: [SourceEvent]) throws -> ByteBuffer {
        try LambdaEvent.encode(Form(lines: events.map(Form.Line.init)))
    }

    /// - Throws: ``LambdaEventError``.
    package static func decode(_ text: ByteBuffer) throws -> [SourceEvent] {
        try LambdaEvent.decode(Form.self, from: text).lines.map {
            SourceEvent(message: $0.m, at: Timestamp(clamping: $0.t))
        }
    }

    /// Short names: there is one of each in every line.
    private struct Form: Codable {
        let lines: [Line]

        struct Line: Codable {
            let t: Int64
            let m: String

            init(_ event: SourceEvent) {
                t = event.timestamp.milliseconds
                m = event.message
            }
        }
    }
}
