/// Reads logs as they are at this moment: what was committed before a call began is in its answer.
package protocol LogReader: Sendable {
    /// - Throws: ``LogStoreError/unknownExecution``.
    func head(of execution: ExecutionID) async throws -> LogHead

    /// Reads whole events that follow `offset`, oldest first, in at most `limit` bytes but at least one event; none if
    /// the log holds no more yet. The block and the head are of one moment, or the block of a later one: what the head
    /// counts can be read.
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

    /// Which life of the data this is; `nil` where none is told apart.
    var incarnation: Incarnation? { get }

    /// What a client must forget that knows this log as it was in `incarnation`; `nil` if the log is the same still: it
    /// is the incarnation of now, or the log had ended before another one began. For an incarnation that isn't known
    /// here, the base is 0.
    ///
    /// - Throws: ``LogStoreError/unknownExecution``.
    func restoration(of execution: ExecutionID, since incarnation: Incarnation) async throws -> Restoration?
}

extension LogReader {
    package var incarnation: Incarnation? { nil }

    package func restoration(of execution: ExecutionID, since incarnation: Incarnation) async throws -> Restoration? {
        nil
    }

    /// Checks that what a client knows of this log is still true.
    ///
    /// - Parameter known: the client's incarnation; `nil` if it names none.
    /// - Throws: ``LogStoreError/otherIncarnation(_:head:)``, ``LogStoreError/unknownExecution``.
    package func require(_ known: Incarnation?, of execution: ExecutionID) async throws {
        guard let known, let restoration = try await restoration(of: execution, since: known) else { return }
        throw LogStoreError.otherIncarnation(restoration, head: try await head(of: execution).offset)
    }
}
