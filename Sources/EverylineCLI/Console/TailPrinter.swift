import Everyline
import EverylineClient
import NIOCore

/// Prints a log as it comes, and tells on standard error what becomes of the connection.
struct TailPrinter {
    let format: OutputOptions.Format
    let style: LogPrinter.Style

    /// - Parameter last: the event after which to stop; to the log's end if `nil`.
    /// - Returns: the outcome, or `nil` if it stopped before.
    /// - Throws: ``TailError``, or `Errno` if what is printed can't be written.
    func print(_ tail: ResumingTail, through last: Offset? = nil) async throws -> ExecutionOutcome? {
        var printer = LogPrinter(style)
        var updates = tail.makeAsyncIterator()
        while let update = try await updates.next() {
            switch update {
            case .events(let block):
                let wanted = last.map { block.prefix(through: $0) } ?? block
                if let wanted { try write(wanted, &printer) }
                if let last, block.last >= last {
                    if printer.isInLine { try Console.print("") }
                    updates.close()
                    return nil
                }
            case .notice(let text): Console.say("the server says: \(text)")
            case .reconnecting(let attempt): tell(attempt)
            case .resumed(let after):
                Console.say("resumed after event \(after ?? .zero); nothing is missing")
            case .ended(let outcome, _): return outcome
            }
        }
        throw CLIError("the log came to no end")
    }

    private func write(_ block: ReceivedBlock, _ printer: inout LogPrinter) throws {
        switch format {
        case .json: try Console.write(LogPrinter.json(block))
        case .text:
            try Console.write(try printer.text(block))
            for notice in printer.takeNotices() { Console.say("the log says: \(notice)") }
        }
    }

    /// Not each try of a long absence is worth a line.
    private func tell(_ attempt: Reconnection) {
        guard attempt.failures & (attempt.failures - 1) == 0 else { return }
        Console.say("\(attempt.reason); reconnecting after event \(attempt.after ?? .zero) …")
    }
}
