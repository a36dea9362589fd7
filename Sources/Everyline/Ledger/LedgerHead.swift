/// Where an execution's ledger stands at one moment: the record `META`.
public struct LedgerHead: Sendable, Equatable {
    public var log: LogHead
    /// How many of the source's events have an offset.
    public var lines: Int
    /// What the runner's last line said, once it has been seen.
    public var sentinel: FinalSentinel?
    /// Whether the log holds the notice that it is full: what follows is not recorded, but for the end.
    public var isFull: Bool

    public init(log: LogHead = LogHead(), lines: Int = 0, sentinel: FinalSentinel? = nil, isFull: Bool = false) {
        self.log = log
        self.lines = lines
        self.sentinel = sentinel
        self.isFull = isFull
    }

    /// Whether the log holds exactly as many lines as the runner says that it wrote.
    public var isCounted: Bool { sentinel?.lines == lines }
}
