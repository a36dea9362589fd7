/// The platform's own store of what a command wrote, which outlives every message that was lost on the way here.
package protocol LogSource: Sendable {
    /// Reads an execution's events that are not older than `start`, by time, from `position` on.
    ///
    /// It may lag: an event that was written can be missing from a reading and be in a later one.
    /// - Throws: ``LogSourceError/unknownPosition`` if the source doesn't know the position (any more); any other
    ///   error, after which the same page may be asked for again.
    func read(_ execution: ExecutionID, from start: Timestamp, at position: SourcePosition?) async throws -> SourcePage
}

package enum LogSourceError: Error, Equatable {
    case unknownPosition
}

/// Where a reading of a ``LogSource`` has got to; opaque to all other code.
package struct SourcePosition: Sendable, Hashable {
    package let token: String

    package init(token: String) { self.token = token }
}

/// A part of one reading.
package struct SourcePage: Sendable, Equatable {
    /// May be empty although more follows.
    package let events: [SourceEvent]
    /// Where the reading goes on; `nil` once the source is exhausted.
    package let next: SourcePosition?

    package init(events: [SourceEvent], next: SourcePosition?) {
        self.events = events
        self.next = next
    }
}
