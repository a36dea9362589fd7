extension DynamoDBTable {
    /// A table as it was made.
    struct Description: Sendable {
        let status: String?
        /// The attributes' names by their part in the key.
        let key: [String: String]
    }

    func describe() async throws -> Description {
        let output = try await client.call(
            "DescribeTable", of: .dynamoDB, TableInput(tableName: name), giving: DescribeTableOutput.self)
        let schema = output.table.keySchema ?? []
        return Description(
            status: output.table.tableStatus,
            key: Dictionary(schema.map { ($0.keyType, $0.attributeName) }, uniquingKeysWith: { $1 }))
    }

    /// By which attribute items expire; `nil` if they don't.
    func expiry() async throws -> (attribute: String, isEnabled: Bool)? {
        let output = try await client.call(
            "DescribeTimeToLive", of: .dynamoDB, TableInput(tableName: name), giving: DescribeTimeToLiveOutput.self)
        guard let attribute = output.description?.attributeName else { return nil }
        return (attribute, ["ENABLED", "ENABLING"].contains(output.description?.status))
    }
}

struct TableInput: Encodable {
    let tableName: String

    enum CodingKeys: String, CodingKey { case tableName = "TableName" }
}

struct DescribeTableOutput: Decodable {
    let table: Table

    struct Table: Decodable {
        let tableStatus: String?
        let keySchema: [KeyPart]?

        enum CodingKeys: String, CodingKey {
            case tableStatus = "TableStatus"
            case keySchema = "KeySchema"
        }
    }

    struct KeyPart: Decodable {
        let attributeName: String
        let keyType: String

        enum CodingKeys: String, CodingKey {
            case attributeName = "AttributeName"
            case keyType = "KeyType"
        }
    }

    enum CodingKeys: String, CodingKey { case table = "Table" }
}

struct DescribeTimeToLiveOutput: Decodable {
    let description: Description?

    struct Description: Decodable {
        let attributeName: String?
        let status: String?

        enum CodingKeys: String, CodingKey {
            case attributeName = "AttributeName"
            case status = "TimeToLiveStatus"
        }
    }

    enum CodingKeys: String, CodingKey { case description = "TimeToLiveDescription" }
}
