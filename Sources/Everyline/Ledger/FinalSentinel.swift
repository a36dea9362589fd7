/// The last line that a runner writes to the platform's log, behind the command's own: how many lines there were. It is how
/// a drain knows that it has everything; viewers don't see it.
///
///     everyline-end 01hv…x7 lines=1204
public struct FinalSentinel: Sendable, Equatable {
    /// How many lines the runner wrote before this one, each one event of the platform's log.
    public let lines: Int

    public init(lines: Int) {
        precondition(lines >= 0)
        self.lines = lines
    }

    /// Reads a sentinel of this execution; `nil` for any other text, and for one that names another execution.
    public init?(message: String, of execution: ExecutionID) {
        let prefix = Self.prefix(execution)
        guard message.hasPrefix(prefix), let lines = Offset(decimal: message.dropFirst(prefix.count)) else {
            return nil
        }
        self.init(lines: Int(lines.rawValue))
    }

    /// The line to write.
    public func message(of execution: ExecutionID) -> String { Self.prefix(execution) + String(lines) }

    private static func prefix(_ execution: ExecutionID) -> String { "everyline-end \(execution) lines=" }
}
