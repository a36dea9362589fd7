import Everyline
import EverylineClient
import NIOCore
import SystemPackage

/// Prints a log as it comes, and tells on standard error how the connection stands.
struct TailPrinter {
    let format: OutputOptions.Format
    let style: LogPrinter.Style
    /// What is said before anything is said of the connection; `nil` if it has been said.
    var introduction: String?

    /// What was printed.
    struct Result {
        /// `nil` if it stopped before the end.
        let outcome: ExecutionOutcome?
        /// Whether events were printed that a restore made void afterwards: what was printed isn't the log.
        let holdsVoidEvents: Bool
    }

    /// - Parameter last: the event after which to stop; to the log's end if `nil`.
    /// - Throws: ``TailError``, or `Errno` if what is printed can't be written; `brokenPipe` also while nothing is printed, as
    ///   soon as the reader has hung up.
    func print(_ tail: ResumingTail, through last: Offset? = nil) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await follow(tail, through: last) }
            group.addTask {
                try await Console.readerHangsUp()
                throw Errno.brokenPipe
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { preconditionFailure("two tasks were added") }
            return result
        }
    }

    private func follow(_ tail: ResumingTail, through last: Offset?) async throws -> Result {
        var printer = LogPrinter(style)
        do {
            return try await follow(tail, through: last, &printer)
        } catch is CancellationError {
            // Whatever is said next, and the shell's prompt, stands on a line of its own.
            try Console.write(printer.finish())
            throw CancellationError()
        }
    }

    private func follow(
        _ tail: ResumingTail, through last: Offset?, _ printer: inout LogPrinter
    ) async throws -> Result {
        var updates = tail.makeAsyncIterator()
        var printed: Offset?
        var (holdsVoidEvents, isRestored) = (false, false)
        var (outage, introduction) = (Outage(), introduction)
        while let update = try await updates.next() {
            switch update {
            case .events(let block):
                let wanted = last.map { block.prefix(through: $0) } ?? block
                if let wanted {
                    try write(wanted, &printer)
                    printed = wanted.last
                }
                if let last, block.last >= last {
                    try Console.write(printer.finish())
                    updates.close()
                    return Result(outcome: nil, holdsVoidEvents: holdsVoidEvents)
                }
            case .pending(let line):
                guard format == .text, last == nil else { continue }
                printer.style.pendingWidth = Console.terminalWidth
                try Console.write(printer.pending(line))
            case .restored(let base, let known):
                try say(Self.sentence(ofRestoreAfter: base, known: known), &printer)
                isRestored = true
                if let printed, printed > base { holdsVoidEvents = true }
                // How long the log was is void too.
                if last != nil { throw CLIError("print the log again.") }
            case .way(let way):
                try introduce(&introduction, &printer)
                let found = way == .webSocket ? "WebSocket gets through again" : "WebSocket doesn't get through"
                try say("\(found); following by \(way.name)", &printer)
            case .notice(let text):
                if let line = try say("the server says: \(text)", &printer) { try Console.write(printer.pending(line)) }
            case .reconnecting(let attempt):
                guard outage.isNews(attempt.reason) else { continue }
                try introduce(&introduction, &printer)
                try say("\(attempt.reason); reconnecting after event \(attempt.after ?? .zero) …", &printer)
            case .resumed(let after):
                // After a restore it is the log itself that says what is missing.
                try say("resumed after event \(after ?? .zero)\(isRestored ? "" : "; nothing is missing")", &printer)
                isRestored = false
                outage = Outage()
            case .ended(let outcome, _):
                try Console.write(printer.finish())
                return Result(outcome: outcome, holdsVoidEvents: holdsVoidEvents)
            }
        }
        throw CLIError("the log came to no end")
    }

    private func introduce(_ introduction: inout String?, _ printer: inout LogPrinter) throws {
        guard let text = introduction else { return }
        introduction = nil
        try say(text, &printer)
    }

    private static func sentence(ofRestoreAfter base: Offset, known: Offset?) -> String {
        let what = "the server's data were restored from a backup"
        guard let known, known > base else { return "\(what); what was shown is still true" }
        return "\(what): events \(base.next) to \(known), shown above, are void; the log goes on after event \(base)"
    }

    private func write(_ block: ReceivedBlock, _ printer: inout LogPrinter) throws {
        switch format {
        case .json: try Console.write(printer.json(block))
        case .text:
            try Console.write(try printer.text(block))
            for notice in printer.takeNotices() { try say("the log says: \(notice)", &printer) }
        }
    }

    /// Says something of ours, in colours and on a line of its own.
    ///
    /// - Returns: the pending line that stood there.
    @discardableResult
    private func say(_ text: String, _ printer: inout LogPrinter) throws -> PendingLine? {
        let (bytes, line) = printer.makeWay()
        try Console.write(bytes)
        Console.say(text)
        return line
    }
}
