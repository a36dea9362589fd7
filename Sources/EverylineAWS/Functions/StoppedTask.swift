package import Everyline

/// How an execution's task ended, and where its output is.
package struct StoppedTask: Sendable, Equatable {
    package let stream: LogStreamName
    package let outcome: ExecutionOutcome
    package let stoppedAt: Timestamp

    package init(stream: LogStreamName, outcome: ExecutionOutcome, stoppedAt: Timestamp) {
        self.stream = stream
        self.outcome = outcome
        self.stoppedAt = stoppedAt
    }
}

/// One stream of a log group of CloudWatch.
package struct LogStreamName: Sendable, Hashable {
    package let group: String
    package let name: String

    package init(group: String, name: String) {
        self.group = group
        self.name = name
    }
}
