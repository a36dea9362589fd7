import Everyline
import Glibc
import NIOCore
import Synchronization
import SystemPackage

/// Our end of a command's standard input: of a pipe, or of the command's terminal. Its writes block while the command
/// doesn't read, so they belong on a thread of their own, and can be interrupted from any other.
final class InputWriter: Sendable {
    private let terminal: CommandTerminal?
    /// Our end of the pipe, until it is closed.
    private let pipe: Mutex<FileDescriptor?>
    /// Readable once the writer was interrupted.
    private let interruption: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
    /// Whether what was written last doesn't end a line.
    private let isWithinLine = Atomic(false)

    /// Writes into a pipe, and closes it in the end.
    ///
    /// - Throws: `Errno`.
    init(pipe: FileDescriptor) throws {
        _ = fcntl(pipe.rawValue, F_SETFL, O_NONBLOCK)
        self.pipe = Mutex(pipe)
        terminal = nil
        interruption = try FileDescriptor.closeOnExecPipe()
    }

    /// Types at a terminal.
    ///
    /// - Throws: `Errno`.
    init(terminal: CommandTerminal) throws {
        pipe = Mutex(nil)
        self.terminal = terminal
        interruption = try FileDescriptor.closeOnExecPipe()
    }

    deinit {
        pipe.withLock { try? $0?.close() }
        try? interruption.readEnd.close()
        try? interruption.writeEnd.close()
    }

    /// Ends every write, also one that is going on.
    func interrupt() {
        // No reader takes this byte out again, so the pipe stays readable.
        _ = try? interruption.writeEnd.writeAll([0])
    }

    /// Writes all of it.
    ///
    /// - Returns: whether the command could take it; not if it has closed its input, or the writer was interrupted.
    func write(_ bytes: ByteBuffer) -> Bool {
        guard let target = terminal?.main ?? pipe.withLock({ $0 }) else { return false }
        if let last = bytes.readableBytesView.last {
            isWithinLine.store(last != UInt8(ascii: "\n") && last != UInt8(ascii: "\r"), ordering: .relaxed)
        }
        return bytes.withUnsafeReadableBytes { write($0, to: target.rawValue) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to target: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            var events = [
                pollfd(fd: target, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: interruption.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&events, 2, -1) >= 0 || errno == EINTR else { return false }
            if events[1].revents != 0 { return false }
            let count = Glibc.write(target, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            } else if errno != EAGAIN, errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Lets the command see the end: the pipe is closed; at a terminal that reads lines its key for the end of file is
    /// typed.
    func end() {
        guard let terminal else { return close() }
        guard let key = terminal.endOfFile else { return }
        // Within a line the first one only hands over what there is of it.
        _ = write(ByteBuffer(repeating: key, count: isWithinLine.load(ordering: .relaxed) ? 2 : 1))
    }

    /// Closes the pipe, if it is one.
    func close() {
        pipe.withLock { pipe in
            try? pipe?.close()
            pipe = nil
        }
    }

    func resize(to size: TerminalSize) { terminal?.resize(to: size) }
}
