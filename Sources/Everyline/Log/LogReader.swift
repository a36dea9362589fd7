/// Reads logs as they are at this moment: what was committed before a call began is in its answer.
public protocol LogReader: Sendable {
    /// - Throws: ``LogStoreError/unknownExecution``.
    func head(of execution: ExecutionID) async throws -> LogHead

    /// Reads whole events that follow `offset`, oldest first, in at most `limit` bytes but at least one event; none if the
    /// log holds no more yet. The block and the head are of one moment, or the block of a later one: what the head counts can
    /// be read.
    ///
    /// Called where its caller runs, so that a tail on an event loop comes back there without a detour.
    /// - Throws: ``LogStoreError/unknownExecution``.
    nonisolated(nonsending) func read(
        _ execution: ExecutionID, after offset: Offset, limit: ByteCount
    ) async throws -> LogRead

    /// The offset before the first event that is not older than `time`; the head if there is none.
    ///
    /// Where timestamps go backwards, everything after that first event follows, older or not: none is lost.
    /// - Throws: ``LogStoreError/unknownExecution``.
    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset
}
