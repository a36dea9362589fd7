import Everyline

/// Ends what was asked to stop and whose producer, which would end it, is gone.
struct AbandonedExecutions {
    let core: ServerCore
    let producers: Producers
    /// How long nothing was heard of a producer that is gone; `nil` where that is known to nobody.
    let absence: Duration?

    /// Ends the execution if nobody else will: nobody should wait for ever.
    ///
    /// - Returns: the execution as it is then.
    func end(_ execution: Execution) async throws -> Execution {
        guard execution.status == .terminating, execution.producer == .external, let absence,
            !producers.isPresent(execution, within: absence)
        else { return execution }
        _ = try await core.writer.end(
            execution.id, ExecutionOutcome(status: .stopped, exitCode: nil, reason: .producerLost))
        return try await core.executions.execution(execution.id)
    }

    /// Looks at all that are to stop.
    func endAll() async throws {
        var after: ExecutionID?
        repeat {
            let page = try await core.executions.list(
                ExecutionQuery(statuses: [.terminating], limit: Self.page, after: after))
            for execution in page {
                do {
                    _ = try await end(execution)
                } catch LogStoreError.damaged {
                    // It can't be ended, and holds up no other.
                }
            }
            after = page.count == Self.page ? page.last?.id : nil
        } while after != nil
    }

    private static let page = 1000
}
