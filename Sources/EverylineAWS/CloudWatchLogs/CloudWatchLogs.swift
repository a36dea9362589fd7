package import Everyline

/// The readings of CloudWatch Logs that the Reconciler and a doctor need. All throw ``AWSError``.
package struct CloudWatchLogs: Sendable {
    private let client: AWSClient

    package init(_ client: AWSClient) { self.client = client }

    /// One event as CloudWatch keeps it.
    package struct Event: Sendable, Equatable, Decodable {
        /// Unique for ever, and the same however the event is got at. (Only FilterLogEvents and a subscription give
        /// it.)
        package let id: String
        package let timestamp: Int64
        package let message: String
        package let ingestionTime: Int64?
        package let stream: String?

        package init(
            id: String, timestamp: Int64, message: String, ingestionTime: Int64? = nil, stream: String? = nil
        ) {
            self.id = id
            self.timestamp = timestamp
            self.message = message
            self.ingestionTime = ingestionTime
            self.stream = stream
        }

        enum CodingKeys: String, CodingKey {
            case id = "eventId"
            case timestamp, message, ingestionTime
            case stream = "logStreamName"
        }
    }

    /// A part of what was asked for.
    package struct Page: Sendable {
        /// May be empty although more comes.
        package let events: [Event]
        /// Where the next part begins; `nil` after the last.
        package let next: String?
    }

    /// The next events of one stream, by time, with their ids.
    ///
    /// - Parameters:
    ///   - start: no events older than this.
    ///   - end: no events newer than this, or as new (the service's own reading of its parameter is inclusive; this
    ///     adds nothing to it).
    ///   - limit: how many events one page holds, up to 10,000.
    ///   - token: the last page's ``Page/next``.
    package func filter(
        group: String, stream: String, from start: Timestamp? = nil, to end: Timestamp? = nil, limit: Int = 10_000,
        token: String? = nil
    ) async throws -> Page {
        let input = FilterLogEventsInput(
            logGroupName: group, logStreamNames: [stream], startTime: start?.milliseconds,
            endTime: end?.milliseconds, limit: limit, nextToken: token)
        let output = try await client.call("FilterLogEvents", of: .logs, input, giving: FilterLogEventsOutput.self)
        return Page(events: output.events ?? [], next: output.nextToken)
    }

    /// The groups whose names begin so, in no more than one page of fifty.
    package func groups(beginningWith prefix: String) async throws -> [Group] {
        let input = DescribeLogGroupsInput(logGroupNamePrefix: prefix, limit: 50)
        return try await client.call("DescribeLogGroups", of: .logs, input, giving: DescribeLogGroupsOutput.self)
            .logGroups ?? []
    }

    package struct Group: Sendable, Equatable, Decodable {
        package let logGroupName: String
        package let retentionInDays: Int?
        package let storedBytes: Int64?
    }

    /// To whom a group's events go as they come (there are two of them at the most).
    package func subscriptions(of group: String) async throws -> [Subscription] {
        let input = DescribeSubscriptionFiltersInput(logGroupName: group)
        return try await client.call(
            "DescribeSubscriptionFilters", of: .logs, input, giving: DescribeSubscriptionFiltersOutput.self
        ).subscriptionFilters ?? []
    }

    package struct Subscription: Sendable, Equatable, Decodable {
        package let filterPattern: String?
        package let destinationArn: String?
    }
}
