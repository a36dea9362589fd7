/// The operations' inputs and outputs, as SQS names them.

struct SendMessageInput: Encodable {
    let queueURL: String
    let messageBody: String
    let messageGroupID: String?
    let messageDeduplicationID: String?
    let delaySeconds: Int?

    enum CodingKeys: String, CodingKey {
        case queueURL = "QueueUrl"
        case messageBody = "MessageBody"
        case messageGroupID = "MessageGroupId"
        case messageDeduplicationID = "MessageDeduplicationId"
        case delaySeconds = "DelaySeconds"
    }
}

struct SendMessageBatchInput: Encodable {
    let queueURL: String
    let entries: [Entry]

    struct Entry: Encodable {
        let id: String
        let messageBody: String
        let messageGroupID: String
        let messageDeduplicationID: String

        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case messageBody = "MessageBody"
            case messageGroupID = "MessageGroupId"
            case messageDeduplicationID = "MessageDeduplicationId"
        }
    }

    enum CodingKeys: String, CodingKey {
        case queueURL = "QueueUrl"
        case entries = "Entries"
    }
}

struct BatchOutput: Decodable {
    let failed: [Failure]?

    struct Failure: Decodable {
        let id: String
        let code: String
        let senderFault: Bool
        let message: String?

        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case code = "Code"
            case senderFault = "SenderFault"
            case message = "Message"
        }
    }

    enum CodingKeys: String, CodingKey { case failed = "Failed" }
}

struct DeleteMessageInput: Encodable {
    let queueURL: String
    let receiptHandle: String

    enum CodingKeys: String, CodingKey {
        case queueURL = "QueueUrl"
        case receiptHandle = "ReceiptHandle"
    }
}

struct ChangeMessageVisibilityInput: Encodable {
    let queueURL: String
    let receiptHandle: String
    let visibilityTimeout: Int

    enum CodingKeys: String, CodingKey {
        case queueURL = "QueueUrl"
        case receiptHandle = "ReceiptHandle"
        case visibilityTimeout = "VisibilityTimeout"
    }
}

struct GetQueueAttributesInput: Encodable {
    let queueURL: String
    let attributeNames: [String]

    enum CodingKeys: String, CodingKey {
        case queueURL = "QueueUrl"
        case attributeNames = "AttributeNames"
    }
}

struct GetQueueAttributesOutput: Decodable {
    let attributes: [String: String]?

    enum CodingKeys: String, CodingKey { case attributes = "Attributes" }
}
