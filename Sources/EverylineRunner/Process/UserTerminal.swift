import CSpawn
package import Everyline
import Glibc
import NIOPosix
import Synchronization
import SystemPackage

/// The terminal that a user sits before, while a command has a terminal of its own: every key goes on to that one, and its size with it.
///
/// Its settings are restored when the command stops or ends, and when this process ends in whatever way (``SessionKeeper``). It is left
/// alone while this process is in the background, and while another `exec` has it.
package final class UserTerminal: Sendable {
    /// What is shown on.
    private let screen: FileDescriptor
    /// Where keys come from; `nil`: nowhere.
    let keyboard: FileDescriptor?
    /// A lock on it says which process has the keys.
    private let claim: FileDescriptor?
    private let state = Mutex(State())
    /// Readable once there is something new to look at.
    private let wake: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    private struct State {
        var original: termios?
        /// The command's terminal, from its start to its end.
        var connection: Connection?
        /// This process is about to stop.
        var isYielded = false
    }

    private struct Connection {
        let terminal: CommandTerminal
        let keeper: SessionKeeper
        let group: Int32
    }

    /// The terminal that is this process's standard output; `nil` if that is none.
    ///
    /// - Throws: `Errno`.
    package init?() throws {
        screen = .standardOutput
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        let own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        if own >= 0 {
            keyboard = FileDescriptor(rawValue: own)
        } else {
            keyboard = isatty(STDIN_FILENO) == 1 ? .standardInput : nil
        }
        // A description of its own, which locks it against others that were started with the same.
        let claim = open("/proc/self/fd/1", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        self.claim = claim >= 0 ? FileDescriptor(rawValue: claim) : nil
        wake = try FileDescriptor.closeOnExecPipe()
        for end in [wake.readEnd, wake.writeEnd] { _ = fcntl(end.rawValue, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        if keyboard != .standardInput { try? keyboard?.close() }
        try? claim?.close()
        try? wake.readEnd.close()
        try? wake.writeEnd.close()
    }

    /// Its size.
    package var size: TerminalSize {
        var size = winsize()
        _ = ioctl(screen.rawValue, UInt(TIOCGWINSZ), &size)
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// Its settings; `nil` in the background, where they are the foreground's.
    var settings: termios? {
        var settings = termios()
        guard isInForeground, tcgetattr(screen.rawValue, &settings) == 0 else { return nil }
        return settings
    }

    // MARK: Passing on

    /// Passes keys on to a command's terminal, on a thread of its own, until ``disconnect()``. The settings are as they must be when this
    /// returns.
    ///
    /// - Parameter group: the command's process group.
    func connect(to terminal: CommandTerminal, _ keeper: SessionKeeper, group: Int32, on threads: NIOThreadPool) {
        let connection = Connection(terminal: terminal, keeper: keeper, group: group)
        state.withLock { $0.connection = connection }
        _ = takeKeys()
        threads.submit { _ in self.passOn(to: connection) }
    }

    /// Ends the passing on, and restores the settings.
    func disconnect() {
        state.withLock { state in
            restore(&state)
            state.connection = nil
        }
        announce()
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
        announce()
    }

    /// Hands on its size.
    package func resize() {
        state.withLock { $0.connection }?.terminal.resize(to: size)
    }

    private func announce() { _ = try? wake.writeEnd.writeAll([0]) }

    private func passOn(to connection: Connection) {
        // What the background may not do fails then, and doesn't stop this process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTTIN)
        sigaddset(&signals, SIGTTOU)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var (isGone, isQuoted) = (false, false)
        while let mayRead = takeKeys() {
            // Nothing tells a process that a shell has brought it to the foreground while it was running.
            let limit: Int32 = mayRead || keyboard == nil || isGone ? -1 : 200
            guard waits(for: mayRead && !isGone ? keyboard : nil, POLLIN, limit), let keyboard else { continue }
            let keys = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
                count = max(0, Glibc.read(keyboard.rawValue, buffer.baseAddress, buffer.count))
                // The background gets EIO; after a hangup there is nothing more.
                if count == 0, isInForeground { isGone = errno != EINTR }
            }
            for key in keys {
                if isQuoted {
                    isQuoted = false
                } else if connection.terminal.quotes(key) {
                    isQuoted = true
                } else if let signal = connection.terminal.signal(ofKey: key, to: connection.group) {
                    // What was started with this process has it too, as if the command were among them. This process ignores it.
                    kill(0, signal)
                }
            }
            write(keys[...], to: connection.terminal.main)
        }
    }

    /// Writes what is typed as fast as it is taken, until it is over.
    private func write(_ keys: ArraySlice<UInt8>, to target: FileDescriptor) {
        var rest = keys
        while !rest.isEmpty, isConnected {
            let count = rest.withUnsafeBytes { Glibc.write(target.rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                _ = waits(for: target, POLLOUT, -1)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// Waits until a descriptor is ready, or there is something new to look at.
    private func waits(for descriptor: FileDescriptor?, _ events: Int32, _ limit: Int32) -> Bool {
        var entries = [
            pollfd(fd: wake.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor?.rawValue ?? -1, events: Int16(events), revents: 0),
        ]
        guard poll(&entries, 2, limit) > 0 else { return false }
        if entries[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            _ = Glibc.read(wake.readEnd.rawValue, &bytes, bytes.count)
        }
        return entries[1].revents != 0
    }

    // MARK: Its settings

    private var isConnected: Bool { state.withLock { $0.connection != nil } }

    /// - Returns: whether the keys are this process's now; `nil` if it is over.
    private func takeKeys() -> Bool? {
        state.withLock { state in
            guard let connection = state.connection else { return nil }
            guard let keyboard, !state.isYielded, isInForeground, isClaimed else { return false }
            guard state.original == nil else { return true }
            var settings = termios()
            guard tcgetattr(keyboard.rawValue, &settings) == 0 else { return false }
            state.original = settings
            connection.keeper.note(.changed)
            cfmakeraw(&settings)
            tcsetattr(keyboard.rawValue, TCSANOW, &settings)
            connection.terminal.resize(to: size)
            return true
        }
    }

    private func restore(_ state: inout State) {
        guard let keyboard, var original = state.original else { return }
        state.original = nil
        if isInForeground { tcsetattr(keyboard.rawValue, TCSANOW, &original) }
        state.connection?.keeper.note(.restored)
        if let claim { flock(claim.rawValue, LOCK_UN) }
    }

    private var isClaimed: Bool {
        guard let claim else { return true }
        return flock(claim.rawValue, LOCK_EX | LOCK_NB) == 0
    }

    /// Whether keys are meant for this process: it is in the terminal's foreground. A terminal of which this session isn't the
    /// controller has no foreground that this process could see, and then the process takes the keys.
    private var isInForeground: Bool {
        guard let keyboard else { return false }
        let group = tcgetpgrp(keyboard.rawValue)
        return group < 0 ? errno == ENOTTY : group == getpgrp()
    }
}
