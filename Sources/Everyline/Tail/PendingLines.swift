/// The newest pending line of each execution: in memory, in a limited number of bytes, and shown at a limited pace.
///
/// An execution has two: what viewers are shown, and what takes its place at its next turn. Turns are ``pace`` apart,
/// however often its producer has something new, and between two turns only the newest is kept. Whether a line still
/// holds is decided where it is used: it is given out behind the offset that it names and behind no other.
struct PendingLines: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Between two lines that viewers are shown of one execution.
    static let pace: Duration = .milliseconds(100)
    /// What an execution's place costs beside its lines.
    private static let placeCost: ByteCount = 256

    private struct Place {
        var shown: PendingLine?
        var next: PendingLine?
        var lastTurn: Instant?
        var lastChange: Instant

        var cost: ByteCount {
            PendingLines.placeCost + (shown?.message.utf8.count ?? 0) + (next?.message.utf8.count ?? 0)
        }
    }

    private let limit: ByteCount
    private var places: [ExecutionID: Place] = [:]
    /// What they hold in all.
    private(set) var byteCount: ByteCount = 0

    init(limit: ByteCount) { self.limit = limit }

    /// The line that viewers who have seen everything up to `offset` are shown; `nil` if there is none.
    func line(of execution: ExecutionID, after offset: Offset) -> PendingLine? {
        guard let shown = places[execution]?.shown, shown.after == offset, !shown.message.isEmpty else { return nil }
        return shown
    }

    /// Keeps a line for the execution's next turn, unless what is there stands behind a later event.
    mutating func offer(_ line: PendingLine, of execution: ExecutionID, at now: Instant) {
        var place = places[execution] ?? Place(lastChange: now)
        let before = places[execution]?.cost ?? 0
        let held = max(place.next?.after ?? .zero, place.shown?.after ?? .zero)
        guard line.after >= held else { return }
        place.next = line
        place.lastChange = now
        places[execution] = place
        byteCount += place.cost - before
        makeRoom()
    }

    enum Turn: Equatable {
        /// Viewers have something new to look at.
        case shown
        case nothingNew
        /// The turn comes after this time.
        case later(Duration)
    }

    /// Shows what was offered last, if its turn has come.
    mutating func show(of execution: ExecutionID, at now: Instant) -> Turn {
        guard var place = places[execution], let next = place.next else { return .nothingNew }
        if let last = place.lastTurn, now < last + Self.pace { return .later(last + Self.pace - now) }
        byteCount -= place.cost
        let isNew = next != place.shown
        place.shown = next
        place.next = nil
        place.lastTurn = now
        byteCount += place.cost
        places[execution] = place
        return isNew ? .shown : .nothingNew
    }

    /// Drops what an event has taken the place of.
    mutating func reach(_ head: Offset, in execution: ExecutionID, isEnded: Bool) {
        guard var place = places[execution] else { return }
        byteCount -= place.cost
        if isEnded {
            places[execution] = nil
            return
        }
        if let shown = place.shown, shown.after < head { place.shown = nil }
        if let next = place.next, next.after < head { place.next = nil }
        byteCount += place.cost
        places[execution] = place
    }

    /// Forgets the lines that have not changed for longest, down to half of the limit at once, so that many that come
    /// when it is reached aren't made room for one by one. Their producers send them again when they change.
    private mutating func makeRoom() {
        guard byteCount > limit else { return }
        for (execution, place) in places.sorted(by: { $0.value.lastChange < $1.value.lastChange }) {
            guard byteCount > limit / 2 else { return }
            byteCount -= place.cost
            places[execution] = nil
        }
    }
}
