/// The operations' inputs and outputs, as DynamoDB names them.

struct GetItemInput: Encodable {
    let tableName: String
    let key: Attributes
    let consistentRead = true

    enum CodingKeys: String, CodingKey {
        case tableName = "TableName"
        case key = "Key"
        case consistentRead = "ConsistentRead"
    }
}

struct GetItemOutput: Decodable {
    let item: Attributes?

    enum CodingKeys: String, CodingKey { case item = "Item" }
}

struct PutItemInput: Encodable {
    let tableName: String
    let item: Attributes
    let conditionExpression: String?
    let values: Attributes?
    let onRefusal = "ALL_OLD"

    enum CodingKeys: String, CodingKey {
        case tableName = "TableName"
        case item = "Item"
        case conditionExpression = "ConditionExpression"
        case values = "ExpressionAttributeValues"
        case onRefusal = "ReturnValuesOnConditionCheckFailure"
    }
}

struct UpdateItemInput: Encodable {
    let tableName: String
    let key: Attributes
    let updateExpression: String
    let conditionExpression: String?
    let values: Attributes?
    let returnValues = "ALL_NEW"
    let onRefusal = "ALL_OLD"

    enum CodingKeys: String, CodingKey {
        case tableName = "TableName"
        case key = "Key"
        case updateExpression = "UpdateExpression"
        case conditionExpression = "ConditionExpression"
        case values = "ExpressionAttributeValues"
        case returnValues = "ReturnValues"
        case onRefusal = "ReturnValuesOnConditionCheckFailure"
    }
}

struct UpdateItemOutput: Decodable {
    let attributes: Attributes?

    enum CodingKeys: String, CodingKey { case attributes = "Attributes" }
}

struct DeleteItemInput: Encodable {
    let tableName: String
    let key: Attributes
    let conditionExpression: String?
    let values: Attributes?
    let onRefusal = "ALL_OLD"

    enum CodingKeys: String, CodingKey {
        case tableName = "TableName"
        case key = "Key"
        case conditionExpression = "ConditionExpression"
        case values = "ExpressionAttributeValues"
        case onRefusal = "ReturnValuesOnConditionCheckFailure"
    }
}

struct QueryInput: Encodable {
    let tableName: String
    let keyConditionExpression: String
    let values: Attributes
    let scanIndexForward: Bool
    let limit: Int?
    let filterExpression: String?
    let projectionExpression: String?
    let exclusiveStartKey: Attributes?
    let consistentRead = true

    enum CodingKeys: String, CodingKey {
        case tableName = "TableName"
        case keyConditionExpression = "KeyConditionExpression"
        case values = "ExpressionAttributeValues"
        case scanIndexForward = "ScanIndexForward"
        case limit = "Limit"
        case filterExpression = "FilterExpression"
        case projectionExpression = "ProjectionExpression"
        case exclusiveStartKey = "ExclusiveStartKey"
        case consistentRead = "ConsistentRead"
    }
}

struct QueryOutput: Decodable {
    let items: [Attributes]
    let lastEvaluatedKey: Attributes?

    enum CodingKeys: String, CodingKey {
        case items = "Items"
        case lastEvaluatedKey = "LastEvaluatedKey"
    }
}

struct BatchGetItemInput: Encodable {
    let requestItems: [String: Keys]

    struct Keys: Codable {
        let keys: [Attributes]
        var consistentRead: Bool? = true

        enum CodingKeys: String, CodingKey {
            case keys = "Keys"
            case consistentRead = "ConsistentRead"
        }
    }

    enum CodingKeys: String, CodingKey { case requestItems = "RequestItems" }
}

struct BatchGetItemOutput: Decodable {
    let responses: [String: [Attributes]]
    let unprocessedKeys: [String: BatchGetItemInput.Keys]?

    enum CodingKeys: String, CodingKey {
        case responses = "Responses"
        case unprocessedKeys = "UnprocessedKeys"
    }
}
