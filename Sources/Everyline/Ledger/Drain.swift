/// Ends an execution's log, as a pure machine: reads the source to exhaustion, has what is missing appended, until the
/// runner's count is reached, else until nothing new comes any more; then appends the `end` if the head has not moved. It does
/// nothing itself; its driver carries out each action and reports what became of it.
///
/// What the subscription lost is in the source. The `end` says whether the log's lines were counted against the runner's
/// last line. A crash at any step is harmless: a drain that begins anew finds its own appends as duplicates, or the end.
public struct Drain: Sendable {
    public enum Action: Sendable, Equatable {
        /// Carry this out as for a ``Sequencer``, and report ``Input/sequenced(_:)``. Its `finish` never comes out of here.
        case sequence(Sequencer.Action)
        /// Read the source's next page; from the start without a position.
        case readSource(after: SourcePosition?)
        /// Leave the source the time to show what it has taken, then report ``Input/paused``.
        case pause
        case finish(Outcome)
    }

    public enum Input: Sendable, Equatable {
        case begin
        case sequenced(Sequencer.Input)
        case source(SourcePage)
        case paused
        /// The source could not be read.
        case failed
    }

    public enum Outcome: Sendable, Equatable {
        /// The log has ended, and everybody was rung: the message can be deleted.
        case done
        /// The message must come back, it must not be deleted.
        case retry
    }

    private enum State: Sendable {
        case ready
        /// Looking whether the count is reached already.
        case looking
        case reading
        case sequencing(Sequencer, next: SourcePosition?)
        case pausing
        case ending
        case ringing
        case over
    }

    private let execution: ExecutionID
    private let outcome: ExecutionOutcome
    private let stoppedAt: Timestamp
    private let limits: DrainLimits
    private var state = State.ready
    /// How many scans in a row have found nothing new.
    private var quietScans = 0
    private var scans = 0
    private var addedInScan = 0

    /// - Parameter outcome: how the execution ended, as its platform says.
    public init(
        of execution: ExecutionID, outcome: ExecutionOutcome, stoppedAt: Timestamp, limits: DrainLimits = DrainLimits()
    ) {
        self.execution = execution
        self.outcome = outcome
        self.stoppedAt = stoppedAt
        self.limits = limits
    }

    /// Takes what became of the last action and says what to do next.
    ///
    /// - Precondition: the input answers the last action.
    public mutating func handle(_ input: Input) -> Action {
        switch (state, input) {
        case (.ready, .begin), (.pausing, .paused):
            state = .looking
            return .sequence(.readHead)
        case (.looking, .sequenced(.head(let head))):
            return look(at: head)
        case (.reading, .source(let page)):
            return sequence(Sequencer(page.events, of: execution, limits: limits.sequencer), .begin, next: page.next)
        case (.sequencing(let sequencer, let next), .sequenced(let input)):
            return sequence(sequencer, input, next: next)
        case (.ending, .sequenced(.appended)):
            return ring()
        case (.ending, .sequenced(.refused)):
            // Somebody appended meanwhile. What it was may be what the count still missed.
            quietScans = 0
            state = .looking
            return .sequence(.readHead)
        case (.ringing, .sequenced(.rung)):
            return finish(.done)
        case (.looking, .sequenced(.failed)), (.reading, .failed), (.ending, .sequenced(.failed)),
            (.ringing, .sequenced(.failed)):
            return finish(.retry)
        default:
            preconditionFailure("a drain was told something that it did not ask for")
        }
    }

    private mutating func look(at head: LedgerHead) -> Action {
        if head.log.isEnded { return ring() }
        // A full log takes nothing more, whatever the source holds.
        if head.isCounted || head.isFull { return end(at: head) }
        let enough = head.sentinel == nil ? limits.quietScans : limits.patientScans
        if quietScans >= enough { return end(at: head) }
        guard scans < limits.scans else { return finish(.retry) }
        scans += 1
        addedInScan = 0
        return read(after: nil)
    }

    private mutating func read(after position: SourcePosition?) -> Action {
        state = .reading
        return .readSource(after: position)
    }

    private mutating func sequence(
        _ sequencer: Sequencer, _ input: Sequencer.Input, next: SourcePosition?
    ) -> Action {
        var sequencer = sequencer
        let action = sequencer.handle(input)
        switch action {
        case .finish(.done):
            addedInScan += sequencer.added
            // Everything is there: what the source could still show would be nothing new. If the head moves before the end
            // is written, the write is refused.
            if sequencer.head.isCounted, !sequencer.head.log.isEnded { return end(at: sequencer.head) }
            return next == nil ? scanned() : read(after: next)
        case .finish(.retry):
            return finish(.retry)
        default:
            state = .sequencing(sequencer, next: next)
            return .sequence(action)
        }
    }

    private mutating func scanned() -> Action {
        quietScans = addedInScan == 0 ? quietScans + 1 : 0
        state = .pausing
        return .pause
    }

    private mutating func end(at head: LedgerHead) -> Action {
        let outcome = outcome.verified(head.isCounted)
        let block = LedgerBlock.end(outcome, after: head, at: stoppedAt)
        state = .ending
        return .sequence(.append(LedgerAppend(after: head.log.offset, block: block, outcome: outcome)))
    }

    private mutating func ring() -> Action {
        state = .ringing
        return .sequence(.ring)
    }

    private mutating func finish(_ outcome: Outcome) -> Action {
        state = .over
        return .finish(outcome)
    }
}
