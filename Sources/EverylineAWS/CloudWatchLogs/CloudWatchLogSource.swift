package import Everyline

/// A stream of CloudWatch Logs as the authoritative log of an execution.
package struct CloudWatchLogSource: LogSource {
    private let logs: CloudWatchLogs
    private let group: String
    private let stream: String
    private let pageSize: Int

    package init(_ logs: CloudWatchLogs, group: String, stream: String, pageSize: Int = 10_000) {
        self.logs = logs
        self.group = group
        self.stream = stream
        self.pageSize = pageSize
    }

    /// A stream that doesn't exist (yet) holds nothing: an execution that never wrote anything has none.
    package func read(_ execution: ExecutionID, after position: SourcePosition?) async throws -> SourcePage {
        do {
            let page = try await logs.filter(
                group: group, stream: stream, limit: pageSize, token: position?.token)
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
