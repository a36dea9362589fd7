/// Events of the platform's log, sorted by number and cut into runs without holes. They may come in any order, and
/// repeat.
struct SourceBatch: Sendable {
    /// In the order of their numbers. No number is in two of them.
    private(set) var runs: [SourceRun] = []
    /// The batch's unnumbered events, if it has no numbered ones. (Others stand in their run.)
    private(set) var unnumbered: [SourceEvent] = []

    init(_ events: [SourceEvent]) {
        guard let first = events.lazy.compactMap(\.number).first else {
            unnumbered = events
            return
        }
        // What has no number stays behind the numbered event that it follows.
        var place = first
        var placed: [(place: UInt64, event: SourceEvent)] = []
        placed.reserveCapacity(events.count)
        var isSorted = true
        for event in events {
            if let number = event.number {
                isSorted = isSorted && number >= place
                place = number
            }
            placed.append((place, event))
        }
        if !isSorted {
            placed = placed.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
                .map(\.element)
        }
        var run: [SourceEvent] = []
        var lines: ClosedRange<UInt64>?
        for (_, event) in placed {
            guard let number = event.number else {
                run.append(event)
                continue
            }
            guard let known = lines else {
                lines = number...number
                run.append(event)
                continue
            }
            if number == known.upperBound { continue }
            if number == known.upperBound + 1 {
                lines = known.lowerBound...number
            } else {
                runs.append(SourceRun(lines: known, events: run))
                (lines, run) = (number...number, [])
            }
            run.append(event)
        }
        if let lines { runs.append(SourceRun(lines: lines, events: run)) }
    }

    /// The run that holds a line's number.
    func run(holding number: UInt64) -> SourceRun? { runs.first { $0.lines.contains(number) } }

    /// The first event whose number is above this one.
    func first(above number: UInt64) -> SourceEvent? {
        guard let run = runs.first(where: { $0.lines.upperBound > number }) else { return nil }
        return run.events.first { $0.number.map { $0 > number } ?? false }
    }

    /// The end of the command's output, if it is among these.
    var end: ScriptEnd? {
        guard let last = runs.last?.events.last(where: { $0.number != nil }), case .end(let end) = last.kind else {
            return nil
        }
        return end
    }
}

/// Events whose numbers follow one another without a hole, and between them what has none.
package struct SourceRun: Sendable, Equatable {
    package let lines: ClosedRange<UInt64>
    package let events: [SourceEvent]

    /// - Precondition: the events hold just these lines, in order.
    package init(lines: ClosedRange<UInt64>, events: [SourceEvent]) {
        self.lines = lines
        self.events = events
    }

    /// The events from a line on; all of them, with what has no number in front, if the run begins there or later.
    func events(from number: UInt64) -> ArraySlice<SourceEvent> {
        guard number > lines.lowerBound else { return events[...] }
        return events.drop { $0.number.map { $0 < number } ?? true }
    }

    /// The run in parts of at most `limit` bytes of text, but for a single event that is longer.
    func parts(limit: ByteCount) -> [SourceRun] {
        var parts: [SourceRun] = []
        var (part, size, first, last) = ([SourceEvent](), 0, lines.lowerBound, lines.lowerBound)
        for event in events {
            if size + event.text.utf8.count > limit, let number = event.number, number > first {
                parts.append(SourceRun(lines: first...last, events: part))
                (part, size, first) = ([], 0, number)
            }
            part.append(event)
            size += event.text.utf8.count
            last = event.number ?? last
        }
        return parts + [SourceRun(lines: first...last, events: part)]
    }
}
