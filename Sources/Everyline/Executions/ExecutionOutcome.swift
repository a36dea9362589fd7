/// How an execution ended: what its log's `end` event says.
public struct ExecutionOutcome: Sendable, Equatable {
    /// Always terminal.
    public let status: ExecutionStatus
    /// The command's exit code; 128 + n for a command that signal n ended; `nil` where it is unknown.
    public let exitCode: Int32?
    /// A stable word for an end that the command didn't choose itself.
    public let reason: Reason?
    /// Whether the log holds as many lines as its runner counted; `nil` where the log is what the runner itself
    /// appended to, so that there is nothing to compare.
    public let isVerified: Bool?
    /// What the command took, where its runner said so.
    public let usage: ResourceUsage?

    public enum Reason: String, Sendable, CaseIterable {
        /// The time limit passed. The exit code is 124.
        case timedOut = "timed_out"
        /// A stop was requested.
        case stopRequested = "stop_requested"
        /// The command could not be started. The exit code is 126 or 127, as a shell gives it.
        case notStarted = "not_started"
        /// The process that ran the command is gone and took the exit code with it.
        case runnerLost = "runner_lost"
        /// The producer of an execution that is run elsewhere didn't answer a request to stop, or wasn't heard of for
        /// very long.
        case producerLost = "producer_lost"
        /// The API key that registered the execution was revoked.
        case keyRevoked = "key_revoked"
    }

    public init(
        status: ExecutionStatus, exitCode: Int32?, reason: Reason? = nil, isVerified: Bool? = nil,
        usage: ResourceUsage? = nil
    ) {
        precondition(status.isTerminal, "\(status) is no outcome")
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

/// What a command took, with all that it started and waited for.
public struct ResourceUsage: Sendable, Equatable {
    /// User and system time, in milliseconds.
    public var cpuMilliseconds: Int64?
    /// The most memory that one of its processes had at once, in bytes.
    public var peakMemory: Int64?

    public init(cpuMilliseconds: Int64? = nil, peakMemory: Int64? = nil) {
        self.cpuMilliseconds = cpuMilliseconds
        self.peakMemory = peakMemory
    }

    /// The fields of an `end` event that say it. A server of an earlier release refuses an event with a field that it
    /// doesn't know, so a producer sends them only where the server has named them.
    public static let fields = [EventRecord.Field.cpu.rawValue, EventRecord.Field.peakMemory.rawValue]

    /// What of it may be told to a server that knows these fields of an `end`; `nil` if nothing.
    public func told(in fields: [String]) -> ResourceUsage? {
        var told = self
        if !fields.contains(EventRecord.Field.cpu.rawValue) { told.cpuMilliseconds = nil }
        if !fields.contains(EventRecord.Field.peakMemory.rawValue) { told.peakMemory = nil }
        return told == ResourceUsage() ? nil : told
    }
}

/// Where an execution stands. `STARTING → RUNNING → SUCCEEDED | FAILED | STOPPED`, with `TERMINATING` between a request
/// to stop and the end.
///
/// A status is terminal exactly when the log holds its `end` event: one transaction writes both.
public enum ExecutionStatus: String, Sendable, CaseIterable {
    case starting = "STARTING"
    case running = "RUNNING"
    case terminating = "TERMINATING"
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    case stopped = "STOPPED"

    public var isTerminal: Bool {
        switch self {
        case .starting, .running, .terminating: false
        case .succeeded, .failed, .stopped: true
        }
    }
}
