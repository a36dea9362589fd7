/// What one step of a ``Sequencer`` may take.
public struct SequencerLimits: Sendable, Equatable {
    /// A block's encoded lines, but for a single event that is longer.
    public var block: ByteCount
    /// A line as it was written. Six times as much is the longest that JSON makes of it, which must fit into a frame.
    public var line: ByteCount
    /// A log's encoded lines, beyond which only a notice and the `end` are taken.
    public var log: ByteCount
    /// How often the head may move away before the batch goes back to the queue.
    public var attempts: Int

    public init(
        block: ByteCount = .kibibytes(256), line: ByteCount = .kibibytes(16), log: ByteCount = .gibibytes(4),
        attempts: Int = 8
    ) {
        self.block = block
        self.line = line
        self.log = log
        self.attempts = attempts
    }
}
