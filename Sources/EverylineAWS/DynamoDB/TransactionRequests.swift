import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct TransactWriteItemsInput: Encodable {
    let items: [Item]
    let clientRequestToken: String

    enum CodingKeys: String, CodingKey {
        case items = "TransactItems"
        case clientRequestToken = "ClientRequestToken"
    }

    /// One of its writes: exactly one part is there.
    struct Item: Encodable {
        var put: Part?
        var update: Part?
        var delete: Part?

        enum CodingKeys: String, CodingKey {
            case put = "Put"
            case update = "Update"
            case delete = "Delete"
        }
    }

    struct Part: Encodable {
        let tableName: String
        let item: Attributes?
        let key: Attributes?
        let updateExpression: String?
        let conditionExpression: String?
        let values: Attributes?
        let onRefusal = "ALL_OLD"

        init(
            table: String, item: Attributes? = nil, key: DynamoDBTable.Key? = nil,
            update: DynamoDBExpression? = nil, condition: DynamoDBExpression?
        ) {
            tableName = table
            self.item = item
            self.key = key?.attributes
            updateExpression = update?.text
            conditionExpression = condition?.text
            let values = (update?.values ?? [:]).merging(condition?.values ?? [:]) { $1 }
            self.values = values.isEmpty ? nil : values
        }

        enum CodingKeys: String, CodingKey {
            case tableName = "TableName"
            case item = "Item"
            case key = "Key"
            case updateExpression = "UpdateExpression"
            case conditionExpression = "ConditionExpression"
            case values = "ExpressionAttributeValues"
            case onRefusal = "ReturnValuesOnConditionCheckFailure"
        }
    }
}

/// What a refused write says of the item that is there.
struct RefusedItem: Decodable {
    let item: Attributes?

    enum CodingKeys: String, CodingKey { case item = "Item" }

    init(_ error: AWSError) throws { self = try error.decodeDetails() }
}

/// Why a transaction was not carried out: a reason for each write, in order.
struct CancelledTransaction: Decodable {
    let reasons: [Reason]

    struct Reason: Decodable {
        let code: String
        let item: Attributes?

        enum CodingKeys: String, CodingKey {
            case code = "Code"
            case item = "Item"
        }

        /// Whether it may not come again: the write had no fault of its own, or ran into another one.
        var isTransient: Bool {
            ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"].contains(code)
        }
    }

    enum CodingKeys: String, CodingKey { case reasons = "CancellationReasons" }

    init(_ error: AWSError) throws { self = try error.decodeDetails() }
}

extension AWSError {
    fileprivate func decodeDetails<Details: Decodable>() throws -> Details {
        do {
            return try JSONDecoder().decode(Details.self, from: Data(details.readableBytesView))
        } catch {
            throw AWSError(
                .unexpectedAnswer, operation: operation, message: "the refusal isn't what the operation gives",
                status: status, requestID: requestID, attempts: attempts, cause: error)
        }
    }
}
