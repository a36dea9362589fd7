package import Everyline

/// A stream of CloudWatch Logs as the authoritative log of an execution.
package struct CloudWatchLogSource: LogSource {
    private let logs: CloudWatchLogs
    private let group: String
    private let stream: String
    private let createdAt: @Sendable (ExecutionID) async throws -> Timestamp

    /// How much earlier than its execution's making an event may say that it is. It bounds what the service searches through
    /// (a group holds the streams of all executions), so it is wide enough for any clock that is only wrong.
    static let margin = Duration.seconds(24 * 60 * 60)

    /// - Parameter createdAt: when an execution was made.
    package init(
        _ logs: CloudWatchLogs, group: String, stream: String,
        createdAt: @escaping @Sendable (ExecutionID) async throws -> Timestamp
    ) {
        self.logs = logs
        self.group = group
        self.stream = stream
        self.createdAt = createdAt
    }

    /// A stream that doesn't exist (yet) holds nothing: an execution that never wrote anything has none.
    package func read(_ execution: ExecutionID, after position: SourcePosition?) async throws -> SourcePage {
        let start = Timestamp(
            milliseconds: max(0, try await createdAt(execution).milliseconds - Self.margin.milliseconds))
        do {
            let page = try await logs.filter(group: group, stream: stream, from: start, token: position?.token)
            return SourcePage(
                events: page.events.map(SourceEvent.init), next: page.next.map(SourcePosition.init(token:)))
        } catch let error as AWSError where error.code == .resourceNotFound {
            return SourcePage(events: [], next: nil)
        }
    }
}

extension SourceEvent {
    /// The event as the command wrote it: without what the task's script has marked.
    package init(_ event: CloudWatchLogs.Event) {
        let line = RunnerScript.Line(event.message)
        self.init(
            id: event.id, timestamp: Timestamp(milliseconds: max(0, event.timestamp)), message: line.text,
            isPartial: line.isPartial)
    }
}
