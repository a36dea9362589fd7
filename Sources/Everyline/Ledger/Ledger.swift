/// The log store of a form in which no process owns a log: every write is conditional, and every reading is consistent
/// (it sees all that was committed before it began; on DynamoDB, `ConsistentRead`).
package protocol Ledger: LogReader {
    /// - Throws: ``LogStoreError/unknownExecution``, ``LogStoreError/unavailable(_:)``.
    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead

    /// A run that is kept because it came too early; `nil` if it is kept no more.
    ///
    /// - Throws: ``LogStoreError/unavailable(_:)``.
    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun?

    /// Carries out the change in one durable transaction, if ``LedgerChange/applies(to:)``.
    ///
    /// One that adds to the log makes a `STARTING` execution `RUNNING`; one with an outcome writes the terminal status,
    /// and ``Execution/endTime(told:started:now:)`` as the time of the end.
    /// - Throws: ``LogStoreError/unknownExecution``; ``LogStoreError/unavailable(_:)``, after which it may or may not
    ///   have been carried out.
    /// - Returns: `false` if the condition refused it, because another writer changed the ledger first: read it again.
    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool
}

/// Where an execution's ledger stands at one moment: the record `META`.
package struct LedgerHead: Sendable, Equatable {
    package var log: LogHead
    /// The number of the line that is wanted next. All below it are in the log, or were given up.
    package var next: UInt64
    /// The runs that came too early and are kept, by their lines, in order. They may overlap.
    package var parked: [ClosedRange<UInt64>]
    /// The lines that were given up and have not come since, in order. Where there are many, lines between the oldest
    /// of them, which have come, are in it too: if those come again, that is said as of late ones, and nothing is
    /// dropped in silence.
    package var lost: [ClosedRange<UInt64>]
    /// Whether a line was ever given up.
    package var hasLoss: Bool
    /// The time of the last line that was appended, as the platform's log has it: from there on, less a margin, it is
    /// read.
    package var sourceTime: Timestamp
    /// Whether the log holds the notice that it is full: what follows is not recorded, but for the end.
    package var isFull: Bool
    /// Whether a stop of the execution was requested. The API writes it; no write of the ledger compares or changes it.
    package var isStopRequested: Bool

    /// How many runs a log keeps that came too early. What is beyond is read from the platform's log.
    package static let parkLimit = 64
    /// How many ranges of lost lines a log knows of. Of more the oldest are joined.
    package static let lossLimit = 64

    package init(
        log: LogHead = LogHead(), next: UInt64 = 1, parked: [ClosedRange<UInt64>] = [],
        lost: [ClosedRange<UInt64>] = [], hasLoss: Bool = false, sourceTime: Timestamp = .epoch, isFull: Bool = false,
        isStopRequested: Bool = false
    ) {
        self.log = log
        self.next = next
        self.parked = parked
        self.lost = lost
        self.hasLoss = hasLoss
        self.sourceTime = sourceTime
        self.isFull = isFull
        self.isStopRequested = isStopRequested
    }

    /// The run among those kept that has the line which is wanted next.
    var due: ClosedRange<UInt64>? { parked.first { $0.contains(next) } }

    /// Whether a line was given up that has not come since.
    func isLost(_ number: UInt64) -> Bool { lost.contains { $0.contains(number) } }

    /// What an end behind all lines may say of them.
    var isWhole: Bool { !hasLoss && !isFull }
}
