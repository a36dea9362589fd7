/// A conditional write on a ledger. A ledger carries it out in one transaction; if the condition doesn't hold, nothing
/// changes, and its writer must read again.
///
/// The condition is that the log's head, the line that is wanted next and the runs that are kept are what the writer
/// has read, and that the log has not ended. So whatever follows from those is still true at the moment of the write:
/// that a line is new, that nothing that came meanwhile closes a hole, that a kept run is there.
package struct LedgerChange: Sendable, Equatable {
    package let from: LedgerHead
    package let to: LedgerHead
    /// What is added to the log.
    package let block: EventBlock?
    /// With the `end` event: the execution's outcome, written in the same transaction.
    package let outcome: ExecutionOutcome?
    /// The run that is kept from now on.
    package let parks: SourceRun?

    /// - Precondition: the block follows the head, and ends the log exactly if there is an outcome.
    package init(
        from: LedgerHead, to: LedgerHead, block: EventBlock? = nil, outcome: ExecutionOutcome? = nil,
        parks: SourceRun? = nil
    ) {
        precondition(
            block.map { $0.predecessor == from.log.offset } ?? true,
            "a block from \(block?.first ?? .zero) on follows \(from.log.offset)")
        precondition(
            (block?.endsLog ?? false) == (outcome != nil),
            "the outcome \(String(describing: outcome)) and the block up to \(to.log.offset) differ")
        self.from = from
        self.to = to
        self.block = block
        self.outcome = outcome
        self.parks = parks
    }

    /// The runs that are kept no more.
    package var unparks: [ClosedRange<UInt64>] { from.parked.filter { !to.parked.contains($0) } }

    /// Whether the condition holds.
    package func applies(to head: LedgerHead) -> Bool {
        !head.log.isEnded && head.log.offset == from.log.offset && head.next == from.next && head.parked == from.parked
    }
}
