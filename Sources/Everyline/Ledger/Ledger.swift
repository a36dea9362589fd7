/// The log store of a form in which no process owns a log: every write is conditional, and every reading is consistent
/// (it sees all that was committed before it began; on DynamoDB, `ConsistentRead`).
public protocol Ledger: LogReader {
    /// - Throws: ``LogStoreError/unknownExecution``, ``LogStoreError/unavailable(_:)``.
    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead

    /// The block that holds the event at `offset`; `nil` if the log doesn't reach that far, and before the first event.
    ///
    /// - Throws: ``LogStoreError/unknownExecution``, ``LogStoreError/unavailable(_:)``.
    func block(of execution: ExecutionID, holding offset: Offset) async throws -> LedgerBlock?

    /// Carries out the append in one durable transaction: ``LedgerAppend/apply(to:)`` decides.
    ///
    /// A first append makes a `STARTING` execution `RUNNING`; one with an outcome writes the terminal status, and
    /// ``Execution/endTime(told:started:now:)`` as the time of the end.
    /// - Throws: ``LogStoreError/unknownExecution``; ``LogStoreError/unavailable(_:)``, after which it may or may not have
    ///   been carried out.
    /// - Returns: the head after it; `nil` if the condition refused it: somebody else moved, read again.
    func append(_ append: LedgerAppend, to execution: ExecutionID, at now: Timestamp) async throws -> LedgerHead?
}
