import CSpawn
package import Everyline
import EverylineProducer
import Glibc
import NIOPosix
import Synchronization
import SystemPackage

/// The terminal that a user sits before, while a command has a terminal of its own: every key goes on to that one, and
/// its size with it.
///
/// It is left alone while this process is in the background, and while another `exec` has it.
package final class UserTerminal: Sendable {
    /// What is shown on.
    private let screen: FileDescriptor
    /// Where keys come from; `nil`: nowhere.
    private let keys: TakenTerminal?
    private let claim: FileDescriptor?
    private let state = Mutex(State())
    private let changes = ChangeSignal()

    private struct State {
        /// The command's terminal, from its start to its end.
        var connection: Connection?
        var isPassingOn = false
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
        // A description of its own, which locks it against others that were started with the same.
        let description = open("/proc/self/fd/1", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        let claim = description >= 0 ? FileDescriptor(rawValue: description) : nil
        self.claim = claim
        let own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        let keyboard =
            own >= 0 ? FileDescriptor(rawValue: own) : isatty(STDIN_FILENO) == 1 ? .standardInput : nil
        keys = try keyboard.map { try TakenTerminal($0, claim: claim) { cfmakeraw(&$0) } }
    }

    deinit {
        if keyboard != .standardInput { try? keyboard?.close() }
        try? claim?.close()
    }

    var keyboard: FileDescriptor? { keys?.descriptor }

    /// Its size.
    package var size: TerminalSize {
        var size = winsize()
        _ = ioctl(screen.rawValue, UInt(TIOCGWINSZ), &size)
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// Its settings; `nil` in the background, where they are the foreground's.
    var settings: termios? {
        var settings = termios()
        guard keys?.isInForeground == true, tcgetattr(screen.rawValue, &settings) == 0 else { return nil }
        return settings
    }

    /// Whether it was closed, as a terminal's window is.
    package var isGone: Bool {
        var event = pollfd(fd: screen.rawValue, events: 0, revents: 0)
        return poll(&event, 1, 0) > 0 && event.revents & Int16(POLLHUP) != 0
    }

    /// How a command stands to its keys that is started now.
    var jobState: cspawn_job_state {
        guard let keys, !keys.isInForeground else { return cspawn_foreground }
        return OwnProcess.isOrphaned ? cspawn_orphaned : cspawn_background
    }

    // MARK: Passing on

    /// Passes keys on to a command's terminal, on a thread of its own, until ``disconnect()``. The settings are as they
    /// must be when this returns.
    ///
    /// - Parameters:
    ///   - group: the command's process group.
    ///   - jobState: that with which it was started.
    func connect(
        to terminal: CommandTerminal, _ keeper: SessionKeeper, group: Int32, _ jobState: cspawn_job_state,
        on threads: NIOThreadPool
    ) {
        let connection = Connection(terminal: terminal, keeper: keeper, group: group)
        state.withLock { ($0.connection, $0.isPassingOn) = (connection, keys != nil) }
        guard let keys else { return }
        keys.begin(keeper, isAway: jobState != cspawn_foreground) { terminal.resize(to: self.size) }
        threads.submit { _ in
            self.passOn(keys, to: connection)
            self.state.withLock { $0.isPassingOn = false }
            self.changes.announce()
        }
    }

    /// Ends the passing on, gives back what the command hasn't read, and restores the settings.
    func disconnect() async {
        state.withLock { $0.connection = nil }
        keys?.end()
        while true {
            let version = changes.version
            guard state.withLock(\.isPassingOn) else { return }
            // A task that is cancelled doesn't wait: the thread restores them all the same, or the keeper.
            guard (try? await changes.wait(past: version)) != nil else { return }
        }
    }

    /// Restores the settings before this process stops.
    package func yield() { keys?.yield() }

    /// Takes the keys again, if this process is in the foreground: it was stopped, and goes on now.
    package func resume() { keys?.resume() }

    /// Hands on its size.
    package func resize() {
        state.withLock { $0.connection }?.terminal.resize(to: size)
    }

    /// Whether the command has its terminal's keys now, also if it was stopped because it had not: this process was in
    /// the background then.
    package var isCommandsTurn: Bool {
        guard let keys, let connection = state.withLock({ $0.connection }) else { return false }
        let terminal = connection.terminal.main.rawValue
        if tcgetpgrp(terminal) == connection.keeper.number, keys.isInForeground { keys.take() }
        return tcgetpgrp(terminal) == connection.group
    }

    /// Whether the command draws on its terminal itself, as editors and prompts do: it reads each key as it is typed.
    package var isDrawnOn: Bool {
        var settings = termios()
        guard let terminal = state.withLock({ $0.connection })?.terminal,
            tcgetattr(terminal.main.rawValue, &settings) == 0
        else { return false }
        return settings.c_lflag & tcflag_t(ICANON) == 0
    }

    /// Sends the command's process group the signal that its terminal is gone. A command that ignores it finds the end
    /// of its input.
    package func hangUp() {
        guard let keys, let connection = state.withLock({ $0.connection }) else { return }
        killpg(connection.group, SIGHUP)
        connection.keeper.note(.inForeground)
        endInput(of: connection, keys)
    }

    private func endInput(of connection: Connection, _ keys: TakenTerminal) {
        // A first one only ends a line that was begun.
        if let end = connection.terminal.endOfFile { _ = keys.write([end, end], to: connection.terminal.main) }
    }

    private func passOn(_ keys: TakenTerminal, to connection: Connection) {
        let terminal = connection.terminal
        var isQuoted = false
        // The last that the terminal has got, and what it had no room for.
        var (typed, rest): ([UInt8], [UInt8]) = ([], [])
        while let next = keys.read(), !next.isEmpty {
            for key in next {
                if isQuoted {
                    isQuoted = false
                } else if terminal.quotes(key) {
                    isQuoted = true
                } else if let signal = terminal.signal(ofKey: key, to: connection.group) {
                    // What was started with this process has it too, as if the command were among them. This process
                    // ignores it.
                    kill(0, signal)
                }
            }
            rest = keys.write(next, to: terminal.main)
            typed = (typed + next.dropLast(rest.count)).suffix(CommandTerminal.unreadLimit)
        }
        // Else a program that ignores the signal would wait for the next line for ever.
        if isGone { endInput(of: connection, keys) }
        keys.restore(givingBack: keys.isTaken ? terminal.takeUnread(of: typed) + rest : [])
    }
}
