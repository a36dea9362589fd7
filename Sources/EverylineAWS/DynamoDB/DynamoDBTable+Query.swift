extension DynamoDBTable {
    /// Which items of one partition, and how many.
    package struct Query: Sendable {
        /// `pk = :pk`, and what it says of `sk`.
        package var condition: DynamoDBExpression
        package var isAscending = true
        /// How many items are looked at for one page, at the most.
        package var limit: Int?
        package var filter: DynamoDBExpression?
        /// Only these attributes; all if `nil`.
        package var projection: String?

        package init(_ partition: String, _ condition: DynamoDBExpression? = nil) {
            var values: Attributes = [":pk": .string(partition)]
            guard let condition else {
                self.condition = DynamoDBExpression("pk = :pk", values)
                return
            }
            values.merge(condition.values) { $1 }
            self.condition = DynamoDBExpression("pk = :pk AND \(condition.text)", values)
        }

        /// The items whose `sk` begins so.
        package init(_ partition: String, beginningWith prefix: String) {
            self.init(
                partition, DynamoDBExpression("begins_with(sk, :prefix)", [":prefix": .string(prefix)]))
        }
    }

    package struct Page: Sendable {
        package let items: [Attributes]
        /// Where the next page begins; `nil` after the last.
        package let next: Attributes?
    }

    /// One page: what fits into `limit` and into 1 MiB, in the order of `sk`.
    ///
    /// - Parameter start: the last page's ``Page/next``.
    package func query(_ query: Query, from start: Attributes? = nil) async throws -> Page {
        let values = query.condition.values.merging(query.filter?.values ?? [:]) { $1 }
        let input = QueryInput(
            tableName: name, keyConditionExpression: query.condition.text, values: values,
            scanIndexForward: query.isAscending, limit: query.limit, filterExpression: query.filter?.text,
            projectionExpression: query.projection, exclusiveStartKey: start)
        let output = try await client.call("Query", of: .dynamoDB, input, giving: QueryOutput.self)
        return Page(items: output.items, next: output.lastEvaluatedKey)
    }

    /// All pages.
    package func all(_ query: Query) async throws -> [Attributes] {
        var items: [Attributes] = []
        var start: Attributes?
        repeat {
            let page = try await self.query(query, from: start)
            items += page.items
            start = page.next
        } while start != nil
        return items
    }

    /// The items with these keys that there are, in no order.
    package func get(_ keys: [Key]) async throws -> [Attributes] {
        var items: [Attributes] = []
        var waiting = keys.map(\.attributes)[...]
        var refusals = 0
        while !waiting.isEmpty {
            // One request takes a hundred keys.
            let asked = Array(waiting.prefix(100))
            waiting = waiting.dropFirst(asked.count)
            let input = BatchGetItemInput(requestItems: [name: .init(keys: asked)])
            let output = try await client.call(
                "BatchGetItem", of: .dynamoDB, input, giving: BatchGetItemOutput.self)
            items += output.responses[name] ?? []
            let left = output.unprocessedKeys?[name]?.keys ?? []
            waiting += left
            if left.count == asked.count {
                refusals += 1
                try await client.pause(afterRefusals: refusals, of: "dynamodb.BatchGetItem")
            }
        }
        return items
    }
}
