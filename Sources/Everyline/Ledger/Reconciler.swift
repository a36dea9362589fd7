/// Holds a log against the platform's own: appends what never came, names what is lost, and ends a log whose script
/// could not.
///
/// The platform's log is read forward from the time of the last line that was appended, less a margin. What is read is
/// appended page by page, nothing of it is kept. A reading that takes longer than an invocation has leaves its
/// ``Place``, from which another goes on: so each page is read once, but for what is newer than the margin, and a
/// reading ends however many pages it has.
///
/// A line is given up, or a log ended without its script's word, only after **two readings a pause apart between which
/// nothing has come**: neither the line that is wanted next nor the runs that are kept have changed, which the deciding
/// write compares once more. (The platform's log may not show yet what it has taken; how long, it doesn't say.)
package struct Reconciler: Sendable {
    /// What is wanted, and what an earlier reading has seen.
    package struct Request: Sendable, Equatable {
        /// How the execution ended and when, if its platform has said so.
        package var stopped: Stopped?
        /// Where the log stood when a reading found nothing.
        package var seen: Seen?
        /// Where a reading was interrupted.
        package var place: Place?

        package init(stopped: Stopped? = nil, seen: Seen? = nil, place: Place? = nil) {
            self.stopped = stopped
            self.seen = seen
            self.place = place
        }
    }

    /// How far a reading has come that was interrupted, and what it has found.
    package struct Place: Sendable, Equatable {
        /// From which time it reads.
        package let start: Timestamp
        package let position: SourcePosition
        /// The line that was wanted next.
        package let next: UInt64
        /// Whether that has changed since it began.
        package let hasMoved: Bool
        /// The first line that was read behind a hole, and until when its missing lines can still come.
        package let ahead: UInt64?
        package let windowEnd: Timestamp?

        package init(
            start: Timestamp, position: SourcePosition, next: UInt64, hasMoved: Bool, ahead: UInt64? = nil,
            windowEnd: Timestamp? = nil
        ) {
            self.start = start
            self.position = position
            self.next = next
            self.hasMoved = hasMoved
            self.ahead = ahead
            self.windowEnd = windowEnd
        }
    }

    package struct Stopped: Sendable, Equatable {
        package let outcome: ExecutionOutcome
        package let time: Timestamp
        /// Why nothing was started, in the platform's words.
        package let reason: String?

        package init(_ outcome: ExecutionOutcome, at time: Timestamp, reason: String? = nil) {
            self.outcome = outcome
            self.time = time
            self.reason = reason
        }
    }

    package struct Seen: Sendable, Equatable {
        package let next: UInt64
        package let parked: [ClosedRange<UInt64>]

        package init(next: UInt64, parked: [ClosedRange<UInt64>]) {
            self.next = next
            self.parked = parked
        }

        package init(_ head: LedgerHead) { self.init(next: head.next, parked: head.parked) }
    }

    package enum Outcome: Sendable, Equatable {
        case done
        /// To be gone on with after the pause.
        case again(Request, afterPause: Bool)
    }

    private let ledger: any Ledger
    private let connections: any ConnectionStore
    private let notifier: any ViewerNotifier
    private let appender: LedgerAppender
    private let margin: Duration
    private let now: @Sendable () -> Timestamp

    /// What must be left of the time for another page to be read.
    private static let reserve: Duration = .seconds(15)

    /// - Parameter margin: by how much times in the platform's log may go back.
    package init(
        ledger: any Ledger, connections: any ConnectionStore, notifier: any ViewerNotifier,
        limits: LedgerLimits = LedgerLimits(), margin: Duration = .seconds(60), now: @escaping @Sendable () -> Timestamp
    ) {
        self.ledger = ledger
        self.connections = connections
        self.notifier = notifier
        self.margin = margin
        self.now = now
        appender = LedgerAppender(ledger: ledger, limits: limits, now: now)
    }

    /// Brings a log as far as the platform's own goes, and to its end if that is known.
    ///
    /// - Parameter deadline: when it must give way at the latest. It goes on from where it was.
    /// - Throws: what its ports throw; then the same may be asked again.
    package func reconcile(
        _ execution: ExecutionID, _ request: Request, from source: any LogSource, until deadline: Timestamp
    ) async throws -> Outcome {
        let outcome = try await bring(execution, request, from: source, until: deadline)
        // Also where nothing was appended: who appended it may have crashed before.
        try await notifier.notify(everyoneIn: connections, of: execution, at: now())
        return outcome
    }

    private func bring(
        _ execution: ExecutionID, _ request: Request, from source: any LogSource, until deadline: Timestamp
    ) async throws -> Outcome {
        var seen = request.seen
        var place = request.place
        while true {
            let head = try await ledger.ledgerHead(of: execution)
            let end = request.stopped.flatMap {
                LedgerChange.end($0.outcome, reason: $0.reason, at: $0.time, head: head)
            }
            if head.log.isEnded || head.isFull && end == nil { return .done }
            var change = end
            if !head.isFull {
                let reading = try await read(
                    execution, request.stopped, behind: head, from: source, at: place, until: deadline)
                if reading.isInterrupted {
                    let rest = Request(stopped: request.stopped, seen: seen, place: reading.place)
                    return .again(rest, afterPause: false)
                }
                place = nil
                if reading.hasMoved { continue }
                let kept = head.parked.first { $0.lowerBound > head.next }?.lowerBound
                let known = [reading.ahead, kept].compactMap(\.self).min()
                if let known { change = .loss(before: known, at: head) }
                guard change != nil else { return .done }
                guard seen == Seen(head) else {
                    return .again(Request(stopped: request.stopped, seen: Seen(head)), afterPause: true)
                }
            }
            // The ledger refuses it if another writer changed it first; the next round reads it again.
            if let change { _ = try await ledger.write(change, to: execution, at: now()) }
            seen = nil
        }
    }

    private struct Reading {
        /// Whether the line that is wanted next is another one now, or none.
        var hasMoved = false
        /// The first line that was read behind a hole.
        var ahead: UInt64?
        var isInterrupted = false
        /// Where it was interrupted; `nil` at its beginning.
        var place: Place?
    }

    /// Appends what the platform's log holds behind the head. Behind a hole it reads no further than where the missing
    /// lines can still be.
    private func read(
        _ execution: ExecutionID, _ stopped: Stopped?, behind head: LedgerHead, from source: any LogSource,
        at place: Place?, until deadline: Timestamp
    ) async throws -> Reading {
        // What came while no invocation read can have filled the hole.
        let hasMoved = place.map { $0.hasMoved || $0.next != head.next } ?? false
        var reading = Reading(hasMoved: hasMoved, ahead: place?.ahead.flatMap { $0 > head.next ? $0 : nil })
        var position = place?.position
        var windowEnd = reading.ahead == nil ? nil : place?.windowEnd
        var reached = head.next
        let start =
            place?.start ?? Timestamp(milliseconds: max(0, head.sourceTime.milliseconds - margin.milliseconds))
        repeat {
            guard now() + Self.reserve < deadline else {
                reading.isInterrupted = true
                reading.place = position.map {
                    Place(
                        start: start, position: $0, next: reached, hasMoved: reading.hasMoved, ahead: reading.ahead,
                        windowEnd: windowEnd)
                }
                return reading
            }
            let page: SourcePage
            do {
                page = try await source.read(execution, from: start, at: position)
            } catch LogSourceError.unknownPosition where position != nil && position == place?.position {
                // The source keeps a place for a while only. The log is read anew.
                return Reading(hasMoved: true)
            }
            if let windowEnd, let first = page.events.first, first.timestamp > windowEnd { break }
            let batch = SourceBatch(page.events)
            // What has no number, and stands beside nothing that has one, can't be told from what is held.
            let after = try await appender.take(
                batch.runs.isEmpty ? SourceBatch([]) : batch, into: execution, platform: stopped?.outcome,
                keepsEarly: false)
            if after.log.isEnded || after.isFull || after.next != reached {
                try await notifier.notify(everyoneIn: connections, of: execution, at: now())
                (reached, reading.hasMoved) = (after.next, true)
            }
            if after.log.isEnded || after.isFull { break }
            if let ahead = reading.ahead, ahead <= after.next { (reading.ahead, windowEnd) = (nil, nil) }
            if let early = batch.first(above: after.next), let number = early.number, number < reading.ahead ?? .max {
                reading.ahead = number
                windowEnd = windowEnd ?? early.timestamp + margin
            }
            position = page.next
        } while position != nil
        return reading
    }
}
