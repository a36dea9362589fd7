/// Takes events into a ledger by their numbers, one conditional write after the other: the append rule.
///
///     below the line that is wanted next    held already: dropped, whatever brings it again (a notice, if it was given
///     up before) that line, and what follows it        appended, with what is kept and follows in turn
///     above it                              kept until it is due, or left to the platform's log
struct LedgerAppender: Sendable {
    let ledger: any Ledger
    let limits: LedgerLimits
    let now: @Sendable () -> Timestamp

    /// Takes all of a batch that can be taken now. Doing it again changes nothing, but for what has no number, and for
    /// late lines of a log that has lost more ranges of them than are told apart.
    ///
    /// - Parameters:
    ///   - platform: how the execution ended, if its platform has said so.
    ///   - keepsEarly: whether what comes too early is kept.
    /// - Throws: what the ledger throws, and ``LogStoreError/unavailable(_:)`` where the head doesn't hold still.
    /// - Returns: the head after it.
    func take(
        _ batch: SourceBatch, into execution: ExecutionID, platform: ExecutionOutcome? = nil, keepsEarly: Bool
    ) async throws -> LedgerHead {
        var unnumbered = batch.unnumbered[...]
        var head = try await ledger.ledgerHead(of: execution)
        var noted: Set<UInt64> = []
        var refusals = 0
        while !head.log.isEnded {
            var rest = unnumbered
            var late: [UInt64] = []
            let change: LedgerChange?
            switch try await step(batch, at: head, of: execution, platform, keepsEarly, noted) {
            case .moved: change = nil
            case .write(let found): change = found
            case .writeLate(let found, let numbers): (change, late) = (found, numbers)
            case .none:
                guard !unnumbered.isEmpty, !head.isFull else { return head }
                (change, rest) = LedgerChange.unnumbered(unnumbered, to: head, limits: limits)
            }
            if let change, try await ledger.write(change, to: execution, at: now()) {
                head = change.to
                unnumbered = rest
                noted.formUnion(late)
            } else {
                refusals += 1
                guard refusals < limits.attempts else { throw Self.restless }
                head = try await ledger.ledgerHead(of: execution)
            }
        }
        return head
    }

    private static let restless = LogStoreError.unavailable("too many append to the same log")

    private enum Step {
        case write(LedgerChange)
        /// Notices for these lines.
        case writeLate(LedgerChange, [UInt64])
        /// What the head tells of is there no more.
        case moved
    }

    private func step(
        _ batch: SourceBatch, at head: LedgerHead, of execution: ExecutionID, _ platform: ExecutionOutcome?,
        _ keepsEarly: Bool, _ noted: Set<UInt64>
    ) async throws -> Step? {
        if head.isFull {
            let outcome = batch.end?.outcome(isStopRequested: head.isStopRequested, platform: platform)
            return outcome.flatMap { LedgerChange.end($0, at: head.log.latest, head: head) }.map(Step.write)
        }
        let (late, numbers) = LedgerChange.late(batch, to: head, unless: noted, limits: limits)
        if let late { return .writeLate(late, numbers) }
        if let run = batch.run(holding: head.next) {
            if let change = LedgerChange.append(run, to: head, platform: platform, limits: limits) {
                return .write(change)
            }
        } else if let lines = head.due {
            guard let run = try await ledger.parked(lines, of: execution) else { return .moved }
            if let change = LedgerChange.append(run, to: head, platform: platform, limits: limits) {
                return .write(change)
            }
        }
        return keepsEarly ? early(batch, at: head).map { .write(.park($0, at: head)) } : nil
    }

    /// The first part of the batch that is to be kept.
    private func early(_ batch: SourceBatch, at head: LedgerHead) -> SourceRun? {
        guard head.parked.count < LedgerHead.parkLimit else { return nil }
        let parts = batch.runs.lazy.filter { $0.lines.lowerBound > head.next }.flatMap { $0.parts(limit: limits.park) }
        return parts.first { part in
            !head.parked.contains { $0.contains(part.lines.lowerBound) && $0.contains(part.lines.upperBound) }
        }
    }
}

/// What a write to a ledger may take.
package struct LedgerLimits: Sendable, Equatable {
    /// The encoded lines of one write, but for a single event that is longer: what a step of the Sequencer brings. Of
    /// it, a transaction of DynamoDB takes 4 MB.
    package var block: ByteCount
    /// A line as it was written. Six times as much is the longest that JSON makes of it, which must fit into a frame.
    package var line: ByteCount
    /// A log's encoded lines, beyond which only a notice and the `end` are taken.
    package var log: ByteCount
    /// The text of a run that is kept.
    package var park: ByteCount
    /// How often the head may move away before the work goes back to its queue.
    package var attempts: Int

    package init(
        block: ByteCount = .mebibytes(2), line: ByteCount = .kibibytes(16), log: ByteCount = .gibibytes(4),
        park: ByteCount = .kibibytes(160), attempts: Int = 8
    ) {
        self.block = block
        self.line = line
        self.log = log
        self.park = park
        self.attempts = attempts
    }
}
