/// The log store of a form in which no process owns a log: every write is conditional, and every reading is consistent
/// (it sees all that was committed before it began; on DynamoDB, `ConsistentRead`).
public protocol Ledger: LogReader {
    /// - Throws: ``LogStoreError/unknownExecution``, ``LogStoreError/unavailable(_:)``.
    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead

    /// A run that is kept because it came too early; `nil` if it is kept no more.
    ///
    /// - Throws: ``LogStoreError/unavailable(_:)``.
    func parked(_ lines: ClosedRange<UInt64>, of execution: ExecutionID) async throws -> SourceRun?

    /// Carries out the change in one durable transaction, if ``LedgerChange/applies(to:)``.
    ///
    /// One that adds to the log makes a `STARTING` execution `RUNNING`; one with an outcome writes the terminal status, and
    /// ``Execution/endTime(told:started:now:)`` as the time of the end.
    /// - Throws: ``LogStoreError/unknownExecution``; ``LogStoreError/unavailable(_:)``, after which it may or may not have
    ///   been carried out.
    /// - Returns: `false` if the condition refused it, because another writer changed the ledger first: read it again.
    func write(_ change: LedgerChange, to execution: ExecutionID, at now: Timestamp) async throws -> Bool
}
