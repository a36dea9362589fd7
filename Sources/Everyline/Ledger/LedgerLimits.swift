/// What a write to a ledger may take.
public struct LedgerLimits: Sendable, Equatable {
    /// The encoded lines of one write, but for a single event that is longer: what a step of the Sequencer brings. Of it, a transaction
    /// of DynamoDB takes 4 MB.
    public var block: ByteCount
    /// A line as it was written. Six times as much is the longest that JSON makes of it, which must fit into a frame.
    public var line: ByteCount
    /// A log's encoded lines, beyond which only a notice and the `end` are taken.
    public var log: ByteCount
    /// The text of a run that is kept.
    public var park: ByteCount
    /// How often the head may move away before the work goes back to its queue.
    public var attempts: Int

    public init(
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
