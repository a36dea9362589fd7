import Everyline
import EverylineClient
import EverylineRunner
import Glibc
import NIOCore
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The two streams that a person or a script reads.
enum Console {
    typealias File = SystemPackage.FileDescriptor

    /// Whether the person's terminal shows the beginning of a line that a command has written, or the key that
    /// interrupts.
    private static let isInLine = Atomic(false)

    /// Says something to the person, on standard error, beside the data: one line, in which everything is visible. At a
    /// terminal it begins on a line of its own, behind what a command has written of a line.
    static func say(_ text: String) {
        var settings = termios()
        let isTerminal = tcgetattr(STDERR_FILENO, &settings) == 0
        // While a command has the terminal, a newline alone doesn't go back to the line's beginning.
        let newline = isTerminal && settings.c_oflag & tcflag_t(OPOST) == 0 ? "\r\n" : "\n"
        let before = isInLine.exchange(false, ordering: .relaxed) && isTerminal ? newline : ""
        // Standard error may have no reader; the exit code says what matters.
        try? writeError("\(before)everyline: \(text.visible())\(newline)")
    }

    /// Says what is waited for, where `work` takes longer than two seconds.
    ///
    /// - Throws: what `work` throws.
    static func waiting<Value: Sendable>(
        for what: String, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await ContinuousClock().sleep(for: .seconds(2))
                say("waiting for \(what)")
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// Notes what a command has written to the person's terminal, by its last byte.
    fileprivate static func commandWrote(_ last: UInt8) {
        isInLine.store(last != UInt8(ascii: "\n"), ordering: .relaxed)
    }

    /// Notes that a signal came. If a key made it, the terminal shows `^C` or the like where its cursor is.
    static func signalCame() {
        var settings = termios()
        let isEchoed = tcgetattr(STDIN_FILENO, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0
        if isEchoed { isInLine.store(true, ordering: .relaxed) }
    }

    /// Notes that the terminal's cursor is at the beginning of a line.
    static func lineBegins() { isInLine.store(false, ordering: .relaxed) }

    /// Writes a text of several lines to standard error.
    static func complain(_ text: String) {
        // As above.
        try? writeError(text + "\n")
    }

    /// Says which execution it is, and where its page is.
    static func announce(_ id: ExecutionID, at address: ServerAddress) {
        say("execution \(id)")
        if let page = address.page(of: id) { say("in the browser: \(page)") }
    }

    /// Whether standard input is a pipe or a file, so that the caller may expect it to be read.
    static var hasInput: Bool {
        var status = stat()
        return fstat(STDIN_FILENO, &status) == 0 && [S_IFIFO, S_IFREG].contains(status.st_mode & S_IFMT)
    }

    /// Writes lines of data, in which everything is visible.
    ///
    /// - Throws: `Errno.brokenPipe` when the reader has hung up; ``CLIError`` where it fails otherwise;
    ///   `CancellationError` if the reader takes no more and the task is cancelled.
    static func print(_ lines: String...) throws { try print(lines) }

    static func print(_ lines: [String]) throws {
        try write(ByteBuffer(string: lines.map { $0.visible() + "\n" }.joined()))
    }

    /// Writes a value as indented JSON with sorted keys, in which everything is visible.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        try write(ByteBuffer(string: text.visible(keepingNewlines: true) + "\n"))
    }

    static func write(_ bytes: ByteBuffer) throws {
        guard bytes.readableBytes > 0 else { return }
        // Before the terminal has it: a key that is pressed then is noted behind it.
        if bytes.readableBytesView.last == UInt8(ascii: "\n") { lineBegins() }
        let written: Int
        do {
            written = try bytes.withUnsafeReadableBytes {
                try File.standardOutput.writeWaiting($0) { Task.isCancelled }
            }
        } catch let error as Errno where error != .brokenPipe {
            throw CLIError("standard output can't be written: \(error).")
        }
        if written < bytes.readableBytes { throw CancellationError() }
    }

    /// A standard error that nothing reads holds up nothing for long.
    private static func writeError(_ text: String) throws {
        let start = ContinuousClock.now
        try Array(text.utf8).withUnsafeBytes { bytes in
            _ = try File.standardError.writeWaiting(bytes) { ContinuousClock.now - start > .seconds(1) }
        }
    }

    /// Returns once the reader of standard output has hung up: a pipe's other end is closed. Never, where it is no
    /// pipe.
    ///
    /// - Throws: `CancellationError`.
    static func readerHangsUp() async throws {
        var status = stat()
        let isPipe = fstat(STDOUT_FILENO, &status) == 0 && [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT)
        while true {
            var entry = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
            if isPipe, poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLERR | POLLHUP) != 0 { return }
            try await ContinuousClock().sleep(for: isPipe ? .milliseconds(250) : .seconds(3600))
        }
    }

    /// The size of the terminal that shows the data, or what most have if it doesn't say; `nil` if none does.
    static var window: TerminalSize? {
        isTerminal ? size(of: STDOUT_FILENO) ?? TerminalSize(columns: 80, rows: 24) : nil
    }

    /// The size of the user's terminal: the one that shows the data, else where keys come from, else what errors go to;
    /// `nil` if there is none, or it doesn't say.
    static var terminalSize: TerminalSize? {
        [STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO].lazy.compactMap(size).first
    }

    private static func size(of terminal: Int32) -> TerminalSize? {
        var size = winsize()
        guard ioctl(terminal, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        let found = TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
        return found.isValid ? found : nil
    }

    /// Whether a person's terminal shows the data.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether data may be coloured: it goes to a terminal that can, and the user doesn't mind (no-color.org).
    static func mayColour(_ environment: [String: String]) -> Bool {
        isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }
}

/// What was said of an outage: each thing is said once, until it is over.
struct Outage {
    /// Reasons that are all different are said so many times.
    private static let limit = 8
    private var said: Set<String> = []

    /// Whether nothing has been said.
    var isQuiet: Bool { said.isEmpty }

    /// - Returns: whether a reason is still to be said.
    mutating func isNews(_ reason: String) -> Bool {
        said.count < Self.limit && said.insert(reason).inserted
    }
}

extension OutputCopy {
    /// A copy whose failure is said to the user.
    static func copy(to target: Console.File, named name: String) -> OutputCopy {
        let isSeen = isatty(target.rawValue) == 1
        return OutputCopy(
            to: target, wrote: { if isSeen { Console.commandWrote($0) } },
            onFailure: { error in
                // As other programs do, without a word where the reader has simply gone.
                if error != .brokenPipe { Console.say("\(name) can't be written: \(error). The log has it all.") }
            })
    }
}
