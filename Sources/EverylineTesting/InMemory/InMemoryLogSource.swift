package import Everyline
import Synchronization

/// A platform's log in memory, that shows what was written to it page by page, and some of it late.
package final class InMemoryLogSource: LogSource {
    private struct State {
        var events: [SourceEvent] = []
        /// Shown from the next scan on.
        var late: [[SourceEvent]] = []
    }

    private let state = Mutex(State())
    private let pageSize: Int

    package init(_ events: [SourceEvent], pageSize: Int = 3) {
        self.pageSize = pageSize
        state.withLock { $0.events = events }
    }

    /// Each group appears with one more scan.
    package func show(late groups: [[SourceEvent]]) {
        state.withLock { $0.late += groups }
    }

    package func read(_ execution: ExecutionID, after position: SourcePosition?) async throws -> SourcePage {
        state.withLock { state in
            let start = position.flatMap { Int($0.token) } ?? 0
            let end = min(start + pageSize, state.events.count)
            let page = SourcePage(
                events: Array(state.events[start..<end]),
                next: end < state.events.count ? SourcePosition(token: "\(end)") : nil)
            if page.next == nil, !state.late.isEmpty { state.events += state.late.removeFirst() }
            return page
        }
    }
}
