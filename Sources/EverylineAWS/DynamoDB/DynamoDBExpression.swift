/// An expression of DynamoDB's with the values that it names.
///
/// Names of attributes here are chosen so that none is one of DynamoDB's reserved words; so they stand in expressions as
/// they are.
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
