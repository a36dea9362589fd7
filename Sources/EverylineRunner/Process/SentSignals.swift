import CSpawn
import Glibc
import NIOPosix
import SystemPackage

/// A signal that was sent to this process.
package struct SentSignal: Sendable, Equatable {
    package let number: Int32
    /// Whether a terminal sent it, to the whole process group.
    package let isFromTerminal: Bool
    /// The process that sent it.
    package let sender: Int32
    /// When, in nanoseconds of the monotonic clock.
    package let time: Int64

    /// From now on, every signal that a user may send to this process is only reported, but those that were ignored
    /// when it was started. For one caller in a process.
    ///
    /// - Throws: `Errno` if there is no descriptor left.
    package static func reports() throws -> AsyncStream<SentSignal> {
        let (readEnd, writeEnd) = try FileDescriptor.closeOnExecPipe()
        // Nothing in a signal handler may wait.
        _ = fcntl(writeEnd.rawValue, F_SETFL, O_NONBLOCK)
        let (stream, continuation) = AsyncStream.makeStream(of: SentSignal.self)
        // For as long as the process lives, as the handlers are.
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        thread.submit { _ in
            while let signal = next(from: readEnd) { continuation.yield(signal) }
            continuation.finish()
        }
        cspawn_report_signals(writeEnd.rawValue)
        return stream
    }

    private static func isFromTerminal(_ signal: cspawn_signal) -> Bool {
        guard signal.code > 0 else { return false }
        switch signal.number {
        case SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH: return true
        // That the terminal is gone is told to the session's leader alone.
        case SIGHUP, SIGCONT: return getsid(0) != getpid()
        // An alarm that was set before this program took its process over, and the like.
        default: return false
        }
    }

    private static func next(from pipe: FileDescriptor) -> SentSignal? {
        var signal = cspawn_signal()
        // A pipe takes and gives so few bytes whole.
        let size = try? withUnsafeMutableBytes(of: &signal) { try pipe.read(into: $0) }
        guard size == MemoryLayout<cspawn_signal>.size else { return nil }
        return SentSignal(
            number: signal.number, isFromTerminal: isFromTerminal(signal), sender: signal.sender, time: signal.time)
    }
}

/// This process, as signals find it.
package enum OwnProcess {
    /// The words that it was called with, as the kernel gave them: Swift reads them from /proc, which may not be there.
    package static var words: [[UInt8]] {
        (0..<max(0, cspawn_word_count())).compactMap { index in
            cspawn_word(index).map { word in
                UnsafeBufferPointer(start: word, count: strlen(word)).map(UInt8.init(bitPattern:))
            }
        }
    }

    /// Lets what the descendants of this process leave behind become its children, so that a stop reaches it.
    package static func adoptOrphans() { _ = cspawn_adopt_orphans() }

    /// Lets Ctrl-\ end this process at once: Swift's runtime would print where each thread is, which may take a minute.
    package static func letQuit() {
        if !cspawn_was_ignored(SIGQUIT) { signal(SIGQUIT, SIG_DFL) }
    }

    /// Whether a standard stream was open when this process was started.
    package static func wasStarted(with stream: FileDescriptor) -> Bool { cspawn_was_open(stream.rawValue) }

    /// Ends or stops this process as a signal does that nothing catches. Returns if it went on, or the signal does
    /// neither.
    package static func suffer(_ signal: Int32) { cspawn_suffer(signal) }

    /// Whether no shell could let its process group go on, if that were stopped: the kernel doesn't stop it at a
    /// terminal then.
    package static var isOrphaned: Bool {
        let (group, session) = (getpgrp(), getsid(0))
        return !ProcessStatus.all().contains {
            $0.group == group && getsid($0.parent) == session && getpgid($0.parent) != group
        }
    }

    /// Whether it has a terminal, and what is typed there is for its process group.
    package static var isInForeground: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return false }
        defer { close(terminal) }
        return tcgetpgrp(terminal) == getpgrp()
    }
}
