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

struct DescribeLogGroupsInput: Encodable {
    let logGroupNamePrefix: String
    let limit: Int
}

struct DescribeLogGroupsOutput: Decodable {
    let logGroups: [CloudWatchLogs.Group]?
}

struct DescribeSubscriptionFiltersInput: Encodable {
    let logGroupName: String
}

struct DescribeSubscriptionFiltersOutput: Decodable {
    let subscriptionFilters: [CloudWatchLogs.Subscription]?
}
