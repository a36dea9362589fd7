package import Everyline

/// What Lambda gives a function that a queue triggers.
package struct SQSEvent: Sendable, Decodable {
    package let records: [Record]

    enum CodingKeys: String, CodingKey { case records = "Records" }

    package struct Record: Sendable, Decodable {
        package let messageID: String
        package let receiptHandle: String
        package let body: String
        package let attributes: Attributes
        package let eventSourceARN: String?

        enum CodingKeys: String, CodingKey {
            case messageID = "messageId"
            case receiptHandle, body, attributes, eventSourceARN
        }

        package init(messageID: String, receiptHandle: String, body: String, attributes: Attributes) {
            self.messageID = messageID
            self.receiptHandle = receiptHandle
            self.body = body
            self.attributes = attributes
            eventSourceARN = nil
        }

        package struct Attributes: Sendable, Decodable {
            /// Empty in a standard queue, which has no groups.
            package let group: String
            package let receiveCount: Int
            package let sequenceNumber: String?
            /// When the queue took the message.
            package let sentAt: Timestamp?

            enum CodingKeys: String, CodingKey {
                case group = "MessageGroupId"
                case receiveCount = "ApproximateReceiveCount"
                case sequenceNumber = "SequenceNumber"
                case sentAt = "SentTimestamp"
            }

            package init(group: String, receiveCount: Int, sentAt: Timestamp?) {
                self.group = group
                self.receiveCount = receiveCount
                self.sentAt = sentAt
                sequenceNumber = nil
            }

            package init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                group = try container.decodeIfPresent(String.self, forKey: .group) ?? ""
                guard let count = Int(try container.decode(String.self, forKey: .receiveCount)) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .receiveCount, in: container, debugDescription: "not a number")
                }
                receiveCount = count
                sequenceNumber = try container.decodeIfPresent(String.self, forKey: .sequenceNumber)
                let sent = try container.decodeIfPresent(String.self, forKey: .sentAt)
                sentAt = sent.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
            }
        }
    }
}

/// What a function answers that a queue triggers: the messages that must come again. In a FIFO queue these must be
/// **all** of a group from the first that wasn't processed, or those behind it overtake it.
package struct SQSBatchResponse: Sendable, Encodable, Equatable {
    package let batchItemFailures: [Failure]

    package struct Failure: Sendable, Encodable, Equatable {
        package let itemIdentifier: String
    }

    package init(unprocessed messageIDs: [String] = []) {
        batchItemFailures = messageIDs.map(Failure.init)
    }
}
