/// A block of the ledger: events of a platform's log with the offsets that they got for good. It never changes.
public struct LedgerBlock: Sendable, Equatable {
    public let events: EventBlock
    /// The source's ids of the events in it: what tells a duplicate, however late it comes.
    public let eventIDs: [String]
    /// No event of the log up to the end of this block is later than this. It never goes back from block to block, which is
    /// what ends the search for duplicates.
    public let runningMaximum: Timestamp

    public init(events: EventBlock, eventIDs: [String], runningMaximum: Timestamp) {
        self.events = events
        self.eventIDs = eventIDs
        self.runningMaximum = runningMaximum
    }
}
