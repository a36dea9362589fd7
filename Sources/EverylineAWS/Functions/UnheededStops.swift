package import Everyline

/// Ends the logs of executions that were asked to stop and whose producers, elsewhere, are gone or go on: no process of
/// this form hears a producer all the time, so the request for a stop comes back after a while and looks.
///
///     API: stop ─► reconcile queue ─(a minute)─► Reconciler ─► UnheededStops: heard of since? again : end
package struct UnheededStops: Sendable {
    private let executions: any ExecutionStore
    private let end:
        @Sendable (ExecutionID, ExecutionOutcome, (code: NoticeCode, message: String)?) async throws -> Void
    private let patience: StopPatience
    private let now: @Sendable () -> Timestamp

    /// - Parameter end: appends the notice, if any, and the `end` to a log; one that has ended stays as it is.
    package init(
        executions: any ExecutionStore, patience: StopPatience, now: @escaping @Sendable () -> Timestamp,
        end:
            @escaping @Sendable (ExecutionID, ExecutionOutcome, (code: NoticeCode, message: String)?) async throws
            -> Void
    ) {
        self.executions = executions
        self.patience = patience
        self.now = now
        self.end = end
    }

    /// Ends the execution's log if its producer won't.
    ///
    /// - Returns: after which time to probe again; `nil` if that isn't needed.
    /// - Throws: what the stores throw.
    package func probe(_ id: ExecutionID) async throws -> Duration? {
        let execution = try await executions.execution(id)
        switch patience.verdict(on: execution, at: now()) {
        case .nothing:
            return nil
        case .wait(let until):
            // A queue counts whole seconds, and has 900 of them.
            let seconds = (until.milliseconds - now().milliseconds + 999) / 1000
            return .seconds(min(max(seconds, 1), 900))
        case .unanswered:
            try await end(id, .stopUnanswered, nil)
        case .overdue:
            try await end(id, .stopOverdue, StopPatience.overdueNotice)
        }
        return nil
    }
}
