import CSpawn
import Everyline
import Glibc
import Synchronization
import SystemPackage

/// A pseudo-terminal: the command has one end of it, and this process the other.
final class CommandTerminal: Sendable {
    /// Ours. It doesn't block.
    let main: FileDescriptor
    /// The command's, to be closed once the command has it.
    let side: FileDescriptor

    deinit { try? main.close() }

    /// - Parameter settings: how it behaves in the beginning; as the kernel makes it, if `nil`.
    /// - Throws: `Errno`.
    init(size: TerminalSize, settings: termios? = nil) throws {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { cspawn_open_terminal($0) }
        }
        guard result == 0 else { throw Errno(rawValue: result) }
        main = FileDescriptor(rawValue: ends.0)
        side = FileDescriptor(rawValue: ends.1)
        resize(to: size)
        if var settings { tcsetattr(side.rawValue, TCSANOW, &settings) }
    }

    /// Changes the size, which the command's foreground is told by SIGWINCH.
    func resize(to size: TerminalSize) {
        var size = winsize(ws_row: UInt16(size.rows), ws_col: UInt16(size.columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(main.rawValue, UInt(TIOCSWINSZ), &size)
    }

    /// The key that ends the input of who reads lines; `nil` if no lines are read now.
    var endOfFile: UInt8? {
        var settings = termios()
        guard tcgetattr(main.rawValue, &settings) == 0, settings.c_lflag & tcflag_t(ICANON) != 0 else { return nil }
        return settings.c_cc.4
    }

    /// How much a terminal keeps for who reads.
    static let unreadLimit: ByteCount = 4096

    /// Takes out what was typed and no program has read; nothing, if it isn't just the end of what was typed: corrected, or put there by another.
    func takeUnread(of typed: [UInt8]) -> [UInt8] {
        let side = cspawn_open_side(main.rawValue)
        guard side >= 0 else { return [] }
        defer { close(side) }
        var settings = termios()
        guard tcgetattr(side, &settings) == 0 else { return [] }
        cfmakeraw(&settings)
        (settings.c_cc.6, settings.c_cc.5) = (0, 0)
        tcsetattr(side, TCSANOW, &settings)
        let unread = [UInt8](unsafeUninitializedCapacity: Self.unreadLimit) { buffer, count in
            count = max(0, read(side, buffer.baseAddress, buffer.count))
        }
        // The terminal has made a newline of the return key.
        func plain(_ key: UInt8) -> UInt8 { key == UInt8(ascii: "\r") ? UInt8(ascii: "\n") : key }
        return typed.suffix(unread.count).map(plain) == unread.map(plain) ? unread : []
    }

    /// Whether a key takes the meaning of the next one away, as Ctrl-V does where lines are read.
    func quotes(_ key: UInt8) -> Bool {
        var settings = termios()
        guard tcgetattr(main.rawValue, &settings) == 0, key != 0, key == settings.c_cc.15 else { return false }
        let both = tcflag_t(ICANON | IEXTEN)
        return settings.c_lflag & both == both
    }

    /// The signal that a key sends now to the terminal's foreground; `nil` if it sends none, or the foreground isn't `group`.
    func signal(ofKey key: UInt8, to group: Int32) -> Int32? {
        var settings = termios()
        guard tcgetattr(main.rawValue, &settings) == 0, settings.c_lflag & tcflag_t(ISIG) != 0, key != 0
        else { return nil }
        let signal: Int32
        switch key {
        case settings.c_cc.0: signal = SIGINT
        case settings.c_cc.1: signal = SIGQUIT
        case settings.c_cc.10: signal = SIGTSTP
        default: return nil
        }
        return tcgetpgrp(main.rawValue) == group ? signal : nil
    }
}

/// The process that leads the session of a command with a terminal of its own. If this process is killed, it restores the user's terminal.
final class SessionKeeper: Sendable {
    let number: Int32
    private let notes: Mutex<FileDescriptor?>

    init(_ keeper: cspawn_keeper) {
        number = keeper.number
        notes = Mutex(FileDescriptor(rawValue: keeper.notes))
    }

    deinit { end() }

    enum Note: UInt8 {
        /// The user's terminal has other settings than before.
        case changed = 0x72
        case restored = 0x63
        /// The command is in the background of its terminal, as this process is of the user's.
        case inBackground = 0x62
        case inForeground = 0x66
    }

    /// Tells it. The foreground is the command's when this returns.
    func note(_ note: Note) {
        notes.withLock { notes in
            // There is room for a byte, and if the keeper was killed nothing can be done.
            guard let notes, (try? notes.writeAll([note.rawValue])) != nil, note == .inForeground else { return }
            var answer: UInt8 = 0
            while Glibc.read(notes.rawValue, &answer, 1) < 0, errno == EINTR {}
        }
    }

    /// Lets it end, and waits for that: when our end of the terminal is closed before, the kernel hangs up on what the command left behind.
    func end() {
        notes.withLock { notes in
            guard let open = notes else { return }
            try? open.close()
            notes = nil
            waitpid(number, nil, 0)
        }
    }
}
