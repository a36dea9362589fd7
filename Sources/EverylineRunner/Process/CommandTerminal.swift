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
        var wanted = settings ?? termios()
        guard settings != nil || tcgetattr(side.rawValue, &wanted) == 0 else { return }
        // A key that erases takes a whole character, as terminals have it today.
        if settings == nil { wanted.c_iflag |= tcflag_t(IUTF8) }
        // Else Ctrl-C, Ctrl-\ and Ctrl-Z throw away what the command has written and we haven't read (termios(3)).
        wanted.c_lflag |= tcflag_t(NOFLSH)
        tcsetattr(side.rawValue, TCSANOW, &wanted)
    }

    /// Changes the size, which the command's foreground is told by SIGWINCH.
    func resize(to size: TerminalSize) {
        var size = winsize(ws_row: UInt16(size.rows), ws_col: UInt16(size.columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(main.rawValue, UInt(TIOCSWINSZ), &size)
    }

    /// The key that ends the input of a program that reads lines; `nil` if no lines are read now.
    var endOfFile: UInt8? {
        var settings = termios()
        guard tcgetattr(main.rawValue, &settings) == 0, settings.c_lflag & tcflag_t(ICANON) != 0 else { return nil }
        return settings.c_cc.4
    }

    /// How much a terminal keeps for its reader.
    static let unreadLimit: ByteCount = 4096

    /// Takes out what was typed and no program has read; nothing, if it isn't just the end of what was typed: another
    /// has put it there.
    func takeUnread(of typed: [UInt8]) -> [UInt8] {
        let side = cspawn_open_side(main.rawValue)
        guard side >= 0 else { return [] }
        defer { close(side) }
        var settings = termios()
        guard tcgetattr(side, &settings) == 0 else { return [] }
        let lines = LineEditing(settings)
        cfmakeraw(&settings)
        (settings.c_cc.6, settings.c_cc.5) = (0, 0)
        tcsetattr(side, TCSANOW, &settings)
        let unread = [UInt8](unsafeUninitializedCapacity: Self.unreadLimit) { buffer, count in
            count = max(0, read(side, buffer.baseAddress, buffer.count))
        }
        return [typed, lines.edited(typed)].contains {
            lines.plain($0).suffix(unread.count) == lines.plain(unread)[...]
        } ? unread : []
    }

    /// Whether a key takes the meaning of the next one away, as Ctrl-V does where lines are read.
    func quotes(_ key: UInt8) -> Bool {
        var settings = termios()
        guard tcgetattr(main.rawValue, &settings) == 0, key != 0, key == settings.c_cc.15 else { return false }
        let both = tcflag_t(ICANON | IEXTEN)
        return settings.c_lflag & both == both
    }

    /// The signal that a key sends now to the terminal's foreground; `nil` if it sends none, or the foreground isn't
    /// `group`.
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

/// What a terminal makes of keys while lines are read (termios(3)).
private struct LineEditing {
    private let settings: termios

    init(_ settings: termios) { self.settings = settings }

    /// With newlines for what the return key sends.
    func plain(_ keys: [UInt8]) -> [UInt8] { keys.map { $0 == UInt8(ascii: "\r") ? UInt8(ascii: "\n") : $0 } }

    /// Without what was erased, and without the keys that did it.
    func edited(_ keys: [UInt8]) -> [UInt8] {
        guard settings.c_lflag & tcflag_t(ICANON) != 0 else { return keys }
        let isExtended = settings.c_lflag & tcflag_t(IEXTEN) != 0
        var (kept, isQuoted) = ([UInt8](), false)
        for key in keys {
            switch key {
            case 0: kept.append(key)
            case _ where isQuoted:
                kept.append(key)
                isQuoted = false
            case settings.c_cc.15 where isExtended: isQuoted = true
            case settings.c_cc.2: eraseCharacter(&kept)
            case settings.c_cc.3: while mayErase(kept) { kept.removeLast() }
            case settings.c_cc.14 where isExtended: eraseWord(&kept)
            default: kept.append(key)
            }
        }
        return kept
    }

    /// A line that was sent off stays as it is.
    private func mayErase(_ keys: [UInt8]) -> Bool { keys.last.map { ![10, 13].contains($0) } ?? false }

    private func eraseCharacter(_ keys: inout [UInt8]) {
        let isUTF8 = settings.c_iflag & tcflag_t(IUTF8) != 0
        while isUTF8, mayErase(keys), keys[keys.count - 1] & 0xC0 == 0x80 { keys.removeLast() }
        if mayErase(keys) { keys.removeLast() }
    }

    private func eraseWord(_ keys: inout [UInt8]) {
        var isWithinWord = false
        while mayErase(keys), let last = keys.last {
            let isLetter = isalnum(Int32(last)) != 0 || last == UInt8(ascii: "_")
            if isWithinWord, !isLetter { return }
            isWithinWord = isWithinWord || isLetter
            keys.removeLast()
        }
    }
}

/// The process that leads the session of a command with a terminal of its own. If this process is killed, it restores
/// the user's terminal, and shows there what the command goes on to draw.
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
        /// It isn't needed any more.
        case dismissed = 0x65
    }

    /// Tells it. The foreground of the command's terminal is as it must be when this returns.
    func note(_ note: Note) {
        notes.withLock { notes in
            // There is room for a byte, and if the keeper was killed nothing can be done.
            guard let notes, (try? notes.writeAll([note.rawValue])) != nil,
                [.inForeground, .inBackground].contains(note)
            else { return }
            var answer: UInt8 = 0
            while Glibc.read(notes.rawValue, &answer, 1) < 0, errno == EINTR {}
        }
    }

    /// Lets it end, and waits for that: when our end of the terminal is closed before, the kernel hangs up on what the
    /// command left behind.
    func end() {
        note(.dismissed)
        notes.withLock { notes in
            guard let open = notes else { return }
            try? open.close()
            notes = nil
            waitpid(number, nil, 0)
        }
    }
}
