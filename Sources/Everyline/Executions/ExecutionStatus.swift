/// Where an execution stands. `STARTING → RUNNING → SUCCEEDED | FAILED | STOPPED`, with `TERMINATING` between a request to
/// stop and the end.
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
