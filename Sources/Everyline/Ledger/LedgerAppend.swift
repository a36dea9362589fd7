/// A conditional write on a ledger: a block behind the head that its writer read, or what is only noted beside it. A ledger
/// carries it out in one transaction; if the condition doesn't hold, nothing changes, and the writer must read again.
///
/// The head is compared and set in the same step. So whatever the writer has read of the log up to that head is still
/// everything there is: that is what makes a search for duplicates before the write as good as one within it.
public struct LedgerAppend: Sendable, Equatable {
    /// The condition: the log's head is this, and the log has not ended.
    public let after: Offset
    /// What is added; `nil` if the head stays where it is.
    public let block: LedgerBlock?
    /// How many of the source's events are in the block.
    public let lines: Int
    /// To be noted if there is one; one that was noted before stays.
    public let sentinel: FinalSentinel?
    /// Whether the block is the notice that the log is full.
    public let isNoticeOfFull: Bool
    /// With the `end` event: the execution's outcome, written in the same transaction.
    public let outcome: ExecutionOutcome?

    /// - Precondition: the block follows `after`, and ends the log exactly if there is an outcome.
    public init(
        after: Offset, block: LedgerBlock?, lines: Int = 0, sentinel: FinalSentinel? = nil,
        isNoticeOfFull: Bool = false, outcome: ExecutionOutcome? = nil
    ) {
        precondition(block.map { $0.events.predecessor == after } ?? true, "a block that doesn't follow the head")
        precondition((block?.events.endsLog ?? false) == (outcome != nil), "the end is an event")
        self.after = after
        self.block = block
        self.lines = lines
        self.sentinel = sentinel
        self.isNoticeOfFull = isNoticeOfFull
        self.outcome = outcome
    }

    /// The head after the write; `nil` if the condition refuses it.
    public func apply(to head: LedgerHead) -> LedgerHead? {
        guard head.log.offset == after, !head.log.isEnded else { return nil }
        var next = head
        if let block { next.log = head.log.adding(block.events) }
        next.lines += lines
        next.sentinel = head.sentinel ?? sentinel
        next.isFull = head.isFull || isNoticeOfFull
        return next
    }
}
