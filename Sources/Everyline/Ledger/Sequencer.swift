/// Gives one batch of source events their offsets, as a pure machine: read the head, read back until no duplicate can be
/// further down, append what is new under a compare-and-set of the head, ring. It does nothing itself; its driver carries
/// out each action and reports what became of it.
///
/// Batches come late, out of order and twice. The search for duplicates ends at a block whose running maximum is older than
/// the batch's first event: every event up to there is older than any of the batch, and the same id has the same time. The
/// compare-and-set makes that search still true at the moment of the write. A batch that comes late gets later offsets, which
/// its timestamps show; an offset never changes.
public struct Sequencer: Sendable {
    public enum Action: Sendable, Equatable {
        /// Read the ledger's head, consistently.
        case readHead
        /// Read the block that holds this event, consistently. Blocks never change, so one that is in memory will do.
        case readBlock(holding: Offset)
        /// Write the append.
        case append(LedgerAppend)
        /// Ring every connection of the execution, found by a consistent reading.
        case ring
        case finish(Outcome)
    }

    public enum Input: Sendable, Equatable {
        case begin
        case head(LedgerHead)
        case block(LedgerBlock)
        case appended(LedgerHead)
        /// The append was refused: somebody else moved the head.
        case refused
        case rung
        /// The step could not be carried out, or nobody knows whether it was.
        case failed
    }

    public enum Outcome: Sendable, Equatable {
        /// The log holds the batch, and everybody was rung: its message can be deleted.
        case done
        /// The message must come back, it must not be deleted.
        case retry
    }

    private enum State: Sendable {
        case ready
        case readingHead
        case searching(LedgerHead)
        case appending(rest: Int)
        case ringing
        case over
    }

    /// In order, without the sentinel, each id once.
    private let batch: [SourceEvent]
    private let sentinel: FinalSentinel?
    private let limits: SequencerLimits
    private var state = State.ready
    private var known: Set<String> = []
    /// Those of the batch that the log doesn't hold.
    private var new: [SourceEvent] = []
    private var attempts = 0
    /// How many source events this machine has added.
    public private(set) var added = 0
    /// The head as far as this machine knows it.
    public private(set) var head = LedgerHead()

    /// - Parameter events: in any order, with any repetitions, with or without the runner's last line.
    public init(_ events: [SourceEvent], of execution: ExecutionID, limits: SequencerLimits = SequencerLimits()) {
        var batch: [SourceEvent] = []
        var sentinel: FinalSentinel?
        batch.reserveCapacity(events.count)
        for event in events.sorted() where event.id != batch.last?.id {
            if let found = FinalSentinel(message: event.message, of: execution) {
                sentinel = found
            } else {
                batch.append(event)
            }
        }
        self.batch = batch
        self.sentinel = sentinel
        self.limits = limits
    }

    /// Takes what became of the last action and says what to do next.
    ///
    /// - Precondition: the input answers the last action.
    public mutating func handle(_ input: Input) -> Action {
        switch (state, input) {
        case (.ready, .begin):
            return readHead()
        case (.readingHead, .head(let head)):
            return begin(at: head)
        case (.searching(let head), .block(let block)):
            known.formUnion(block.eventIDs)
            return search(at: head, behind: block)
        case (.appending(let rest), .appended(let head)):
            added += head.lines - self.head.lines
            self.head = head
            return append(from: rest)
        case (.appending, .refused):
            attempts += 1
            return attempts < limits.attempts ? readHead() : finish(.retry)
        case (.ringing, .rung):
            return finish(.done)
        case (.readingHead, .failed), (.searching, .failed), (.appending, .failed), (.ringing, .failed):
            return finish(.retry)
        default:
            preconditionFailure("a sequencer was told something that it did not ask for")
        }
    }

    private mutating func readHead() -> Action {
        state = .readingHead
        return .readHead
    }

    private mutating func begin(at head: LedgerHead) -> Action {
        self.head = head
        known.removeAll(keepingCapacity: true)
        // Nothing follows an end. The drain before it has asked the source for all that there was.
        if head.log.isEnded { return ring() }
        guard let first = batch.first else { return decide() }
        return head.log.latest < first.timestamp ? decide() : searchOn(at: head, holding: head.log.offset)
    }

    private mutating func search(at head: LedgerHead, behind block: LedgerBlock) -> Action {
        guard let first = batch.first, block.runningMaximum >= first.timestamp else { return decide() }
        return searchOn(at: head, holding: block.events.predecessor)
    }

    private mutating func searchOn(at head: LedgerHead, holding offset: Offset) -> Action {
        guard offset > .zero else { return decide() }
        state = .searching(head)
        return .readBlock(holding: offset)
    }

    private mutating func decide() -> Action {
        new = known.isEmpty ? batch : batch.filter { !known.contains($0.id) }
        return append(from: 0)
    }

    /// Appends the next block of what is new. Between two of them no duplicate can have come: the head was still ours.
    private mutating func append(from start: Int) -> Action {
        let sentinel = head.sentinel == nil ? sentinel : nil
        let isFull = head.log.bytes >= limits.log
        if start < new.count, !isFull {
            let (block, end) = LedgerBlock.encode(new, from: start, after: head, limits: limits)
            state = .appending(rest: end)
            return .append(
                LedgerAppend(after: head.log.offset, block: block, lines: end - start, sentinel: sentinel))
        }
        if start < new.count, !head.isFull {
            state = .appending(rest: new.count)
            let notice = LedgerBlock.noticeOfFull(after: head, at: new[start].timestamp)
            return .append(
                LedgerAppend(after: head.log.offset, block: notice, sentinel: sentinel, isNoticeOfFull: true))
        }
        guard let sentinel else { return ring() }
        state = .appending(rest: new.count)
        return .append(LedgerAppend(after: head.log.offset, block: nil, sentinel: sentinel))
    }

    /// Also where nothing was added: whoever added it may have crashed before ringing.
    private mutating func ring() -> Action {
        state = .ringing
        return .ring
    }

    private mutating func finish(_ outcome: Outcome) -> Action {
        state = .over
        return .finish(outcome)
    }
}
