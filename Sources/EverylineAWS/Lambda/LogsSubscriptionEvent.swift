package import Everyline
import EverylineDeflate
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a subscription of CloudWatch Logs gives a function: JSON in gzip in base64 in JSON.
package struct LogsSubscriptionEvent: Sendable, Equatable {
    package let kind: Kind
    package let group: String
    package let stream: String
    package let events: [CloudWatchLogs.Event]

    package enum Kind: String, Sendable, Decodable {
        case data = "DATA_MESSAGE"
        /// Sent now and then to see whether the function is there; it holds no events of a log.
        case control = "CONTROL_MESSAGE"
    }

    /// How large a decompressed event may be. Lambda takes at most 1 MiB of an asynchronous one; log text shrinks to a
    /// tenth, seldom to a thirtieth.
    package static let limit: ByteCount = .mebibytes(64)

    /// A sort key in DynamoDB has 1 to 1,024 bytes.
    private static let nameLimit: ByteCount = 1024

    /// - Throws: ``LambdaEventError``.
    package init(_ event: ByteBuffer, limit: ByteCount = Self.limit) throws {
        let envelope = try LambdaEvent.decode(Envelope.self, from: event)
        guard let compressed = Data(base64Encoded: envelope.awslogs.data) else {
            throw LambdaEventError.malformed("the data isn't base64")
        }
        let text: ByteBuffer
        do {
            text = try ByteBuffer(bytes: compressed).inflated(as: .gzip, limit: limit)
        } catch .tooLarge {
            throw LambdaEventError.tooLarge(limit: limit)
        } catch {
            throw LambdaEventError.malformed("the data isn't gzip")
        }
        let message = try LambdaEvent.decode(Message.self, from: text)
        kind = message.messageType
        group = message.logGroup
        stream = message.logStream
        // A stream's name is part of a key, which can't be empty; CloudWatch has no such streams. A control message
        // names none.
        guard kind == .control || (1...Self.nameLimit).contains(stream.utf8.count) else {
            throw LambdaEventError.malformed("logStream")
        }
        events = message.logEvents.map {
            CloudWatchLogs.Event(id: $0.id, timestamp: $0.timestamp, message: $0.message)
        }
    }

    private struct Envelope: Decodable {
        let awslogs: Inner

        struct Inner: Decodable {
            let data: String
        }
    }

    private struct Message: Decodable {
        let messageType: Kind
        let logGroup: String
        let logStream: String
        let logEvents: [Event]

        struct Event: Decodable {
            let id: String
            let timestamp: Int64
            let message: String
        }
    }
}
