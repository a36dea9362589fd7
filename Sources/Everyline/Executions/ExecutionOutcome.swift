/// How an execution ended: what its log's `end` event says.
public struct ExecutionOutcome: Sendable, Equatable {
    /// Always terminal.
    public let status: ExecutionStatus
    /// The command's exit code; 128 + n for a command that signal n ended; `nil` where nobody knows it.
    public let exitCode: Int32?
    /// A stable word for an end that the command didn't choose itself.
    public let reason: Reason?
    /// Whether the log holds as many lines as its runner counted; `nil` where the log is what the runner itself appended to,
    /// so that there is nothing to compare.
    public let isVerified: Bool?
    /// What the command took, where its runner said so.
    public let usage: ResourceUsage?

    public enum Reason: String, Sendable, CaseIterable {
        /// The time limit passed. The exit code is 124.
        case timedOut = "timed_out"
        /// Somebody asked for it.
        case stopRequested = "stop_requested"
        /// The command could not be started. The exit code is 126 or 127, as a shell gives it.
        case notStarted = "not_started"
        /// The process that ran the command is gone and took the exit code with it.
        case runnerLost = "runner_lost"
        /// The producer of an execution that is run elsewhere didn't answer a request to stop, or wasn't heard of for very long.
        case producerLost = "producer_lost"
        /// The API key that registered the execution was revoked.
        case keyRevoked = "key_revoked"
    }

    public init(
        status: ExecutionStatus, exitCode: Int32?, reason: Reason? = nil, isVerified: Bool? = nil,
        usage: ResourceUsage? = nil
    ) {
        precondition(status.isTerminal)
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.isVerified = isVerified
        self.usage = usage
    }

    /// The same outcome of a log whose lines were counted, or could not be.
    public func verified(_ isVerified: Bool) -> ExecutionOutcome {
        ExecutionOutcome(status: status, exitCode: exitCode, reason: reason, isVerified: isVerified, usage: usage)
    }

    /// The same outcome of a command that took this.
    public func using(_ usage: ResourceUsage?) -> ExecutionOutcome {
        ExecutionOutcome(status: status, exitCode: exitCode, reason: reason, isVerified: isVerified, usage: usage)
    }
}
