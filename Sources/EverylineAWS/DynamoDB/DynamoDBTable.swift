import NIOCore

/// The operations on the one table, whose key is `pk` and `sk`, both strings. Every read is consistent.
///
/// All throw ``AWSError``; a condition that doesn't hold is an answer, not an error.
package struct DynamoDBTable: Sendable {
    package let name: String
    let client: AWSClient

    package init(_ name: String, client: AWSClient) {
        self.name = name
        self.client = client
    }

    /// The key of an item.
    package struct Key: Sendable, Hashable {
        package let partition: String
        package let sort: String

        package init(_ partition: String, _ sort: String) {
            self.partition = partition
            self.sort = sort
        }

        package var attributes: Attributes { ["pk": .string(partition), "sk": .string(sort)] }
    }

    /// The outcome of a conditional write.
    package enum Written: Sendable, Equatable {
        /// The item as it is now, where that was asked for.
        case done(Attributes)
        /// The condition doesn't hold; the item as it is, if there is one.
        case refused(Attributes?)
    }

    package func get(_ key: Key) async throws -> Attributes? {
        let input = GetItemInput(tableName: name, key: key.attributes)
        return try await client.call("GetItem", of: .dynamoDB, input, giving: GetItemOutput.self).item
    }

    @discardableResult
    package func put(_ item: Attributes, if condition: DynamoDBExpression? = nil) async throws -> Written {
        let input = PutItemInput(
            tableName: name, item: item, conditionExpression: condition?.text,
            values: condition.flatMap { $0.values.isEmpty ? nil : $0.values })
        return try await conditionally { () -> Attributes in
            try await client.call("PutItem", of: .dynamoDB, input)
            return [:]
        }
    }

    /// Changes an item, and gives it as it is then.
    @discardableResult
    package func update(
        _ key: Key, _ update: DynamoDBExpression, if condition: DynamoDBExpression? = nil
    ) async throws -> Written {
        let values = update.values.merging(condition?.values ?? [:]) { $1 }
        let input = UpdateItemInput(
            tableName: name, key: key.attributes, updateExpression: update.text,
            conditionExpression: condition?.text, values: values.isEmpty ? nil : values)
        return try await conditionally {
            try await client.call("UpdateItem", of: .dynamoDB, input, giving: UpdateItemOutput.self).attributes ?? [:]
        }
    }

    @discardableResult
    package func delete(_ key: Key, if condition: DynamoDBExpression? = nil) async throws -> Written {
        let input = DeleteItemInput(
            tableName: name, key: key.attributes, conditionExpression: condition?.text,
            values: condition.flatMap { $0.values.isEmpty ? nil : $0.values })
        return try await conditionally { () -> Attributes in
            try await client.call("DeleteItem", of: .dynamoDB, input)
            return [:]
        }
    }

    private func conditionally(_ write: () async throws -> Attributes) async throws -> Written {
        do {
            return .done(try await write())
        } catch let error as AWSError where error.code == .conditionalCheckFailed {
            return .refused(try RefusedItem(error).item)
        }
    }
}

/// An expression of DynamoDB's with the values that it names.
///
/// Names of attributes here are chosen so that none is one of DynamoDB's reserved words; so they stand in expressions
/// as they are.
package struct DynamoDBExpression: Sendable, Equatable {
    package let text: String
    /// By name, with the colon.
    package let values: Attributes

    package init(_ text: String, _ values: Attributes = [:]) {
        self.text = text
        self.values = values
    }

    func and(_ text: String, _ values: Attributes = [:]) -> DynamoDBExpression {
        DynamoDBExpression("\(self.text) AND \(text)", self.values.merging(values) { $1 })
    }

    static let isAbsent = DynamoDBExpression("attribute_not_exists(pk)")
    static let isPresent = DynamoDBExpression("attribute_exists(pk)")
}
