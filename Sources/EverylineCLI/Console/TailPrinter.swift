import Everyline
import EverylineClient
import NIOCore
import Synchronization
import SystemPackage

/// Prints a log as it comes, and tells on standard error how the connection stands.
final class TailPrinter: Sendable {
    private let format: OutputOptions.Format
    private let printer: Mutex<LogPrinter>
    /// What is said before anything is said of the connection; `nil` if it has been said.
    private let introduction: Mutex<String?>

    /// - Parameter introduction: what is said once, before anything is said of the connection.
    init(_ format: OutputOptions.Format, _ style: LogPrinter.Style, introduction: String?) {
        self.format = format
        printer = Mutex(LogPrinter(style))
        self.introduction = Mutex(introduction)
    }

    /// What was printed.
    struct Result {
        /// `nil` if it stopped before the end.
        let outcome: ExecutionOutcome?
        /// Whether events were printed that a restore made void afterwards: what was printed isn't the log.
        let holdsVoidEvents: Bool
    }

    /// - Parameter last: the event after which to stop; to the log's end if `nil`.
    /// - Throws: ``TailError``, or `Errno` if what is printed can't be written; `brokenPipe` also while nothing is
    ///   printed, as soon as the reader has hung up.
    func print(_ tail: ResumingTail, through last: Offset? = nil) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await self.follow(tail, through: last) }
            group.addTask {
                try await Console.readerHangsUp()
                throw Errno.brokenPipe
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { preconditionFailure("two tasks were added") }
            return result
        }
    }

    /// Says something on a line of its own, behind which an unfinished line stands again.
    ///
    /// - Throws: ``CLIError`` if what is printed can't be written.
    func interject(_ text: String) throws {
        try printer.withLock { printer in
            guard let line = try say(text, &printer) else { return }
            try Console.write(printer.pending(line))
        }
    }

    /// Notes that this process was stopped: its shell has written since.
    func wasStopped() { printer.withLock { $0.leavePending() } }

    private func follow(_ tail: ResumingTail, through last: Offset?) async throws -> Result {
        do {
            return try await followToEnd(tail, through: last)
        } catch is CancellationError {
            // Whatever is said next, and the shell's prompt, stands on a line of its own.
            try finish()
            throw CancellationError()
        }
    }

    private func followToEnd(_ tail: ResumingTail, through last: Offset?) async throws -> Result {
        var updates = tail.makeAsyncIterator()
        var printed: Offset?
        var (holdsVoidEvents, isRestored) = (false, false)
        var outage = Outage()
        while let update = try await updates.next() {
            switch update {
            case .events(let block):
                let wanted = last.map { block.prefix(through: $0) } ?? block
                if let wanted {
                    try write(wanted)
                    printed = wanted.last
                }
                if let last, block.last >= last {
                    try finish()
                    updates.close()
                    return Result(outcome: nil, holdsVoidEvents: holdsVoidEvents)
                }
            case .pending(let line):
                guard format == .text, last == nil else { continue }
                try printer.withLock { printer in
                    printer.style.pendingWindow = Console.window
                    try Console.write(printer.pending(line))
                }
            case .restored(let base, let known):
                try say(Self.sentence(ofRestoreAfter: base, known: known))
                isRestored = true
                if let printed, printed > base { holdsVoidEvents = true }
                // How long the log was is void too.
                if last != nil { throw CLIError("print the log again.") }
            case .way(let way):
                try introduce()
                let found = way == .webSocket ? "WebSocket gets through again" : "WebSocket doesn't get through"
                try say("\(found); following by \(way.name)")
            case .notice(let text):
                try interject("the server says: \(text)")
            case .reconnecting(let attempt):
                guard outage.isNews(attempt.reason) else { continue }
                try introduce()
                try say("\(attempt.reason); reconnecting after event \(attempt.after ?? .zero) …")
            case .resumed(let after):
                // After a restore it is the log itself that says what is missing.
                try say("resumed after event \(after ?? .zero)\(isRestored ? "" : "; nothing is missing")")
                isRestored = false
                outage = Outage()
            case .ended(let outcome, _):
                try finish()
                return Result(outcome: outcome, holdsVoidEvents: holdsVoidEvents)
            }
        }
        throw CLIError("the log came to no end")
    }

    private func introduce() throws {
        if let text = introduction.withLock({ $0.take() }) { try say(text) }
    }

    private func finish() throws {
        try printer.withLock { try Console.write($0.finish()) }
    }

    private static func sentence(ofRestoreAfter base: Offset, known: Offset?) -> String {
        let what = "the server's data were restored from a backup"
        guard let known, known > base else { return "\(what); what was shown is still true" }
        return "\(what): events \(base.next) to \(known), shown above, are void; the log goes on after event \(base)"
    }

    private func write(_ block: ReceivedBlock) throws {
        try printer.withLock { printer in
            switch format {
            case .json: try Console.write(printer.json(block))
            case .text:
                try Console.write(try printer.text(block))
                for notice in printer.takeNotices() { _ = try say("the log says: \(notice)", &printer) }
            }
        }
    }

    /// Says something of ours, in the place of an unfinished line.
    private func say(_ text: String) throws {
        try printer.withLock { printer in _ = try say(text, &printer) }
    }

    /// Says something of ours, in colours and on a line of its own.
    ///
    /// - Returns: the pending line that stood there.
    private func say(_ text: String, _ printer: inout LogPrinter) throws -> PendingLine? {
        let (bytes, line) = printer.makeWay()
        try Console.write(bytes)
        if line != nil { Console.lineBegins() }
        Console.say(text)
        return line
    }
}
