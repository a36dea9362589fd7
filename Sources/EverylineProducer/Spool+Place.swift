package import Everyline
import NIOCore
import Synchronization

// Where a spool's events stand in their log.
extension Spool {
    /// What the server has acknowledged, as an offset of the log in the incarnation that this process knows.
    package var deliveredPlace: (offset: Offset, incarnation: Incarnation?) {
        state.withLock { ($0.place.place(after: $0.delivered), $0.place.incarnation) }
    }

    var place: LogPlace { state.withLock { $0.place } }

    /// Notes in which incarnation of the server's data the log was begun, if that isn't known yet.
    package func begin(in incarnation: Incarnation) {
        state.withLock { state in
            guard state.place.begin(in: incarnation) else { return }
            state.isPlaceWritten = false
            writePlace(&state)
        }
    }

    /// Goes back to what the server has after a restore, as far as it is here.
    func move(to restoration: Restoration) {
        changePlace { $0.move(to: restoration, available: $1) }
    }

    /// Changes in which parts an event is sent (``LogPlace/cut(after:into:of:textBefore:)``,
    /// ``LogPlace/uncut(after:)``).
    ///
    /// - Returns: whether they changed. The disk has them after ``waitForPlace(on:)``.
    func changeParts(_ change: (inout LogPlace) -> Bool) -> Bool {
        state.withLock { state in
            guard change(&state.place) else { return false }
            state.isPlaceWritten = false
            return true
        }
    }

    /// Begins another log with what is here, durably.
    ///
    /// - Parameter former: the execution whose log takes no more.
    /// - Throws: `CancellationError`.
    package func begin(
        anewIn incarnation: Incarnation?, after former: ExecutionID, on clock: any Clock<Duration>
    ) async throws {
        changePlace { $0.begin(anewIn: incarnation, after: former, available: $1) }
        try await waitForPlace(on: clock)
    }

    private func changePlace(_ change: (inout LogPlace, _ available: Offset) -> Void) {
        state.withLock { state in
            // What is before a hole stays only because the disk didn't delete it yet: the server had everything up to
            // there.
            let kept = Offset(state.segments[(state.hole ?? -1) + 1].base.rawValue - 1)
            change(&state.place, max(kept, state.dropped))
            state.isPlaceWritten = false
            writePlace(&state)
            state.delivered = state.place.delivered
            state.reading = nil
            state.hasLostPlace = false
            state.hasDiscarded = false
            try? disk.remove(Self.discarded)
            state.isInDoubt = false
            if state.delivered > state.last { state.segments.append(SpoolSegment(base: state.delivered.next)) }
        }
        changes.announce()
    }

    /// Waits until the disk has the place, so that a successor goes on from it: for as long as it takes.
    ///
    /// - Throws: `CancellationError`.
    func waitForPlace(on clock: any Clock<Duration>) async throws {
        while true {
            let isWritten = state.withLock { state in
                writePlace(&state)
                return state.isPlaceWritten
            }
            if isWritten { return }
            try await clock.sleep(for: Self.retryPause)
        }
    }

    /// Says that the log may be another one by now: the server is to be asked.
    func doubtPlace() {
        state.withLock { $0.isInDoubt = true }
        changes.announce()
    }

    /// Whether the server is to be asked where the log is. It is told once.
    func takeDoubt() -> Bool {
        state.withLock { state in
            defer { state.isInDoubt = false }
            return state.isInDoubt
        }
    }

    private func writePlace(_ state: inout State) {
        guard !state.isPlaceWritten else { return }
        // As with events: where it fails, the next call tries again.
        state.isPlaceWritten = (try? state.place.write(to: disk)) != nil
    }

    /// Says that the log doesn't go on with what is written here: it is discarded as room is needed.
    func losePlace() {
        // Where that can't be written, a successor takes what was discarded for lost, and says so of each event.
        if let file = try? disk.create(Self.discarded) { file.close() }
        state.withLock { ($0.hasLostPlace, $0.hasDiscarded) = (true, true) }
        changes.announce()
    }

    /// Whether an earlier process has discarded events that the log doesn't have.
    var hasDiscarded: Bool { state.withLock { $0.hasDiscarded } }

    /// The file that says so.
    static let discarded = "discarded"
}
