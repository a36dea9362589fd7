/// What a log says of itself: the stable codes of its `notice` events.
public enum NoticeCode: String, Sendable, CaseIterable {
    /// The command could not be started, and why.
    case notStarted = "not_started"
    /// A process that the command left behind still held its output when the log ended.
    case outputHeld = "output_held"
    /// Processes that a stopped command had started could not be ended.
    case notEnded = "not_ended"
    /// The log is full: output goes on unrecorded until the end.
    case logFull = "log_full"
    /// The process that ran the command is gone; what it had not written down is lost.
    case runnerLost = "runner_lost"
    /// A stream of the command's output could not be read any more.
    case outputLost = "output_lost"
    /// Events that were kept on the producer's disk could not be read back; on AWS, lines that CloudWatch has lost.
    case linesLost = "lines_lost"
    /// The server's data were restored from a backup: what the log held beyond that was void, and comes again as far as
    /// its producer has it.
    case restored
    /// What follows was kept for another log, whose server took it no more.
    case recovered
    /// A line that was given up has come after all: its number and its text.
    case lateLine = "late_line"
    /// What a command has written past the script that numbers its lines.
    case unnumbered
    /// Nothing was heard of the producer for too long: the server has ended the log.
    case producerLost = "producer_lost"
    /// The key that registered the execution was revoked: the server has ended the log.
    case keyRevoked = "key_revoked"
    /// A client had the server end the log at once.
    case stopForced = "stop_forced"
    /// The producer went on for too long after it was asked to stop: the server has ended the log.
    case stopUnheeded = "stop_unheeded"
}
