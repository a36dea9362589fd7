import Everyline
import Synchronization

/// Ends the logs that were open in a backup, once their producers have had time to come back and have not: their
/// commands may have ended before it was put back.
final class UnclaimedLogs: Sendable {
    private let abandoned: AbandonedExecutionReaper
    private let remaining: Mutex<[ExecutionID: Offset]>

    init(_ restored: RestoredLogs, _ abandoned: AbandonedExecutionReaper) {
        self.abandoned = abandoned
        remaining = Mutex(restored.bases)
    }

    /// Looks at those of which it isn't known yet.
    func end() async throws {
        for (id, base) in remaining.withLock({ $0 }) where try await isDecided(id, base) {
            remaining.withLock { $0[id] = nil }
        }
    }

    private func isDecided(_ id: ExecutionID, _ base: Offset) async throws -> Bool {
        do {
            let execution = try await abandoned.core.executions.execution(id)
            guard execution.producer == .external, !execution.status.isTerminal, execution.head == base else {
                return true
            }
            let (limits, producers) = (abandoned.limits, abandoned.producers)
            if producers.isPresent(execution, within: limits.stopPatience.absence) { return false }
            let cause: AbandonedExecutionReaper.Cause =
                execution.status == .terminating ? .stopUnanswered : .producerLost
            _ = try await abandoned.end(execution, because: cause)
            return true
        } catch LogStoreError.damaged, LogStoreError.unknownExecution {
            // It can't be ended, and holds up no other.
            return true
        }
    }
}
