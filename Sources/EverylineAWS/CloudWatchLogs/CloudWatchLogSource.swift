package import Everyline

/// A stream of CloudWatch Logs as the authoritative log of an execution.
package struct CloudWatchLogSource: LogSource {
    private let logs: CloudWatchLogs
    private let group: String
    private let stream: String

    package init(_ logs: CloudWatchLogs, group: String, stream: String) {
        self.logs = logs
        self.group = group
        self.stream = stream
    }

    /// A stream that doesn't exist (yet) holds nothing: an execution that never wrote anything has none.
    package func read(
        _ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?
    ) async throws -> SourcePage {
        do {
            let page = try await logs.filter(group: group, stream: stream, from: start, token: position?.token)
            return SourcePage(
                events: page.events.map(SourceEvent.init), next: page.next.map(SourcePosition.init(token:)))
        } catch let error as AWSError where error.code == .resourceNotFound {
            return SourcePage(events: [], next: nil)
        } catch let error as AWSError where error.code == .invalidParameter && position != nil {
            // A token expires after 24 hours (API reference, FilterLogEvents).
            throw LogSourceError.unknownPosition
        }
    }
}

extension SourceEvent {
    package init(_ event: CloudWatchLogs.Event) {
        self.init(message: event.message, at: Timestamp(clamping: event.timestamp))
    }
}
