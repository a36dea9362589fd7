/// How long a producer that runs elsewhere is given to end its log after it was asked to stop.
package struct StopPatience: Sendable, Equatable {
    /// How long nothing was heard of it before its log is ended without it.
    package var absence: Duration
    /// How long it may go on before its log is ended all the same.
    package var overdue: Duration

    package init(absence: Duration = .seconds(60), overdue: Duration = .seconds(60 * 60)) {
        self.absence = absence
        self.overdue = overdue
    }

    /// What the log of a producer says that went on.
    package static var overdueNotice: (code: NoticeCode, message: String) {
        (.stopUnheeded, "The producer was asked to stop and went on. What it still sends isn't recorded.")
    }

    /// What is to be done about a stop.
    package enum Verdict: Sendable, Equatable {
        /// No stop was asked for, or a runner of ours carries it out, or the execution has ended.
        case nothing
        /// The producer has until then; a sign of life gives it more time.
        case wait(until: Timestamp)
        /// Nothing was heard of the producer.
        case unanswered
        /// The producer was heard of, and goes on.
        case overdue
    }

    /// Decides by what the store knows of the producer: where no process hears it all the time, each of its requests is
    /// noted once a stop was asked for.
    package func verdict(on execution: Execution, at now: Timestamp) -> Verdict {
        guard execution.status == .terminating, execution.producer == .external, let asked = execution.stopRequestedAt
        else { return .nothing }
        if now >= asked + overdue { return .overdue }
        let silentUntil = max(asked, execution.heardAt ?? asked) + absence
        return now >= silentUntil ? .unanswered : .wait(until: min(silentUntil, asked + overdue))
    }
}

extension ExecutionOutcome {
    /// The outcome of an execution that was stopped and whose producer isn't heard of.
    package static let stopUnanswered = ExecutionOutcome(status: .stopped, exitCode: nil, reason: .producerLost)
    /// The outcome of an execution whose producer was asked to stop and goes on.
    package static let stopOverdue = ExecutionOutcome(status: .stopped, exitCode: nil, reason: .stopRequested)
}
