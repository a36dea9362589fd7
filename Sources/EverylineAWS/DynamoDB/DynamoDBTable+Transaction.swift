extension DynamoDBTable {
    /// One write of a transaction.
    package enum Write: Sendable, Equatable {
        case put(Attributes, if: DynamoDBExpression?)
        case update(Key, DynamoDBExpression, if: DynamoDBExpression?)
        case delete(Key, if: DynamoDBExpression?)
    }

    /// The outcome of a transaction.
    package enum Transacted: Sendable, Equatable {
        case done
        /// At least one condition doesn't hold: for each write, in order, whether its own does, and if not, the item as
        /// it is.
        case refused([Refusal])

        package enum Refusal: Sendable, Equatable {
            case holds
            case fails(Attributes?)
        }
    }

    /// How many writes one transaction takes.
    static let transactionWrites = 100

    /// Carries out all of the writes or none.
    ///
    /// A transaction that runs into another one is tried again, as long as the client's retries allow.
    /// - Parameter token: by which DynamoDB knows the transaction again for ten minutes, so that it isn't carried out
    ///   twice when its answer was lost: unique for each set of writes, at most 36 bytes.
    /// - Precondition: there are 1 to 100 writes, no two of the same item.
    package func transact(_ writes: [Write], token: String) async throws -> Transacted {
        precondition(
            (1...Self.transactionWrites).contains(writes.count) && token.utf8.count <= 36,
            "a transaction of \(writes.count) writes, by the token \(token)")
        let input = TransactWriteItemsInput(items: writes.map(encoded), clientRequestToken: token)
        var conflicts = 0
        while true {
            do {
                try await client.call("TransactWriteItems", of: .dynamoDB, input)
                return .done
            } catch let error as AWSError where error.code == .transactionCanceled {
                let reasons = try CancelledTransaction(error).reasons
                if reasons.contains(where: { $0.code == "ConditionalCheckFailed" }) {
                    return .refused(
                        reasons.map { $0.code == "ConditionalCheckFailed" ? .fails($0.item) : .holds })
                }
                guard reasons.allSatisfy(\.isTransient) else { throw error }
                conflicts += 1
                try await client.pause(afterRefusals: conflicts, of: "dynamodb.TransactWriteItems", cause: error)
            }
        }
    }

    private func encoded(_ write: Write) -> TransactWriteItemsInput.Item {
        switch write {
        case .put(let item, let condition):
            .init(put: .init(table: name, item: item, condition: condition))
        case .update(let key, let update, let condition):
            .init(update: .init(table: name, key: key, update: update, condition: condition))
        case .delete(let key, let condition):
            .init(delete: .init(table: name, key: key, condition: condition))
        }
    }
}
