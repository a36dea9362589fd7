/// The operations' inputs and outputs, under the names that CloudWatch Logs gives their parts.

struct FilterLogEventsInput: Encodable {
    let logGroupName: String
    let logStreamNames: [String]
    let startTime: Int64?
    let endTime: Int64?
    let limit: Int
    let nextToken: String?
}

struct FilterLogEventsOutput: Decodable {
    let events: [CloudWatchLogs.Event]?
    let nextToken: String?
}

struct GetLogEventsInput: Encodable {
    let logGroupName: String
    let logStreamName: String
    let limit: Int
    let startFromHead: Bool
    let nextToken: String?
}

struct GetLogEventsOutput: Decodable {
    let events: [Event]?
    let nextForwardToken: String?

    struct Event: Decodable {
        let timestamp: Int64
        let message: String
    }
}

struct DescribeLogGroupsInput: Encodable {
    let logGroupNamePrefix: String
    let limit: Int
}

struct DescribeLogGroupsOutput: Decodable {
    let logGroups: [CloudWatchLogs.Group]?
}

struct DescribeLogStreamsInput: Encodable {
    let logGroupName: String
    let logStreamNamePrefix: String
    let limit: Int
}

struct DescribeLogStreamsOutput: Decodable {
    let logStreams: [CloudWatchLogs.Stream]?
}

struct DescribeSubscriptionFiltersInput: Encodable {
    let logGroupName: String
}

struct DescribeSubscriptionFiltersOutput: Decodable {
    let subscriptionFilters: [CloudWatchLogs.Subscription]?
}
