package import Everyline
import Synchronization

/// A platform's log in memory, that shows what was written to it page by page, and some of it late.
package final class InMemoryLogSource: LogSource {
    private struct State {
        var events: [SourceEvent] = []
        var pages = 0
        /// Shown from the next reading on.
        var late: [[SourceEvent]] = []
    }

    private let state = Mutex(State())
    private let pageSize: Int

    package init(_ events: [SourceEvent], pageSize: Int = 3) {
        self.pageSize = pageSize
        state.withLock { $0.events = events }
    }

    /// How many pages were read.
    package var pages: Int { state.withLock { $0.pages } }

    /// Each group appears with one more reading.
    package func show(late groups: [[SourceEvent]]) {
        state.withLock { $0.late += groups }
    }

    package func read(
        _ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?
    ) async throws -> SourcePage {
        state.withLock { state in
            state.pages += 1
            let events = state.events.filter { $0.timestamp >= start }
            let start = position.flatMap { Int($0.token) } ?? 0
            let end = min(start + pageSize, events.count)
            let page = SourcePage(
                events: Array(events[min(start, end)..<end]),
                next: end < events.count ? SourcePosition(token: "\(end)") : nil)
            if page.next == nil, !state.late.isEmpty { state.events += state.late.removeFirst() }
            return page
        }
    }
}
