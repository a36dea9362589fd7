import CSpawn
import EverylineProducer
import Glibc
package import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// The terminal at which a user types what goes to a command elsewhere. Each key is read as it comes, and isn't shown here: the command's own
/// terminal echoes it, or doesn't. Only the keys that interrupt, quit and suspend are this process's.
///
/// Its settings are restored before this process stops and at the end, and when it ends in whatever way (``SessionKeeper``). It is left alone
/// while this process is in the background.
package final class Keyboard: Sendable, OutputSource {
    private let keeper: SessionKeeper
    private let threads = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())
    /// Readable once there is something new to look at.
    private let wake: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    private struct State {
        var original: termios?
        var isYielded = false
        var isOver = false
    }

    /// Whether this process's standard input is a terminal.
    package static var isThere: Bool { isatty(STDIN_FILENO) == 1 }

    /// The terminal that is this process's standard input; `nil` if that is none.
    ///
    /// - Throws: `Errno`.
    package init?() throws {
        guard Self.isThere else { return nil }
        var keeper = cspawn_keeper()
        let result = cspawn_keep_terminal(STDIN_FILENO, &keeper)
        guard result == 0 else { throw Errno(rawValue: result) }
        self.keeper = SessionKeeper(keeper)
        wake = try FileDescriptor.closeOnExecPipe()
        for end in [wake.readEnd, wake.writeEnd] { _ = fcntl(end.rawValue, F_SETFL, O_NONBLOCK) }
        threads.start()
        takeKeys()
    }

    deinit {
        threads.shutdownGracefully { _ in }
        try? wake.readEnd.close()
        try? wake.writeEnd.close()
    }

    /// Restores the settings before this process stops.
    package func yield() {
        state.withLock { state in
            restore(&state)
            state.isYielded = true
        }
    }

    /// Takes the keys again, if this process is in the foreground: it was stopped, and goes on now.
    package func resume() {
        state.withLock { state in
            state.isYielded = false
            // A shell has set the terminal as it likes meanwhile.
            state.original = nil
        }
        takeKeys()
        announce()
    }

    /// Restores the settings, and lets every read end.
    package func end() {
        state.withLock { state in
            restore(&state)
            state.isOver = true
        }
        announce()
        keeper.end()
    }

    /// Waits for keys; empty at the end.
    package func read() async throws -> ByteBuffer {
        try await withTaskCancellationHandler {
            try await threads.runIfActive { self.readBlocking() }
        } onCancel: {
            state.withLock { $0.isOver = true }
            announce()
        }
    }

    private func readBlocking() -> ByteBuffer {
        // What the background may not do fails then, and doesn't stop this process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTTIN)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var keys = ByteBuffer()
        while !state.withLock({ $0.isOver }) {
            let mayRead = takeKeys()
            var entries = [
                pollfd(fd: wake.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mayRead ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            ]
            // Nothing tells a process that a shell has brought it to the foreground while it was running.
            guard poll(&entries, 2, mayRead ? -1 : 200) > 0 else { continue }
            if entries[0].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                _ = Glibc.read(wake.readEnd.rawValue, &bytes, bytes.count)
                continue
            }
            let count = keys.writeWithUnsafeMutableBytes(minimumWritableBytes: 4096) {
                max(0, Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count))
            }
            // The background gets EIO; after a hangup there is nothing more.
            if count > 0 || isInForeground && errno != EINTR { return keys }
        }
        return keys
    }

    private func announce() { _ = try? wake.writeEnd.writeAll([0]) }

    /// - Returns: whether the keys are this process's now.
    @discardableResult
    private func takeKeys() -> Bool {
        state.withLock { state in
            guard !state.isYielded, !state.isOver, isInForeground else { return false }
            guard state.original == nil else { return true }
            var settings = termios()
            guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return false }
            state.original = settings
            keeper.note(.changed)
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
            // The return key is the command's terminal's to translate, and so are the keys that hold its output.
            settings.c_iflag &= ~tcflag_t(ICRNL | INLCR | IGNCR | IXON)
            (settings.c_cc.6, settings.c_cc.5) = (1, 0)
            return tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0
        }
    }

    private func restore(_ state: inout State) {
        guard var original = state.original else { return }
        state.original = nil
        if isInForeground { tcsetattr(STDIN_FILENO, TCSANOW, &original) }
        keeper.note(.restored)
    }

    private var isInForeground: Bool {
        let group = tcgetpgrp(STDIN_FILENO)
        return group < 0 ? errno == ENOTTY : group == getpgrp()
    }
}
