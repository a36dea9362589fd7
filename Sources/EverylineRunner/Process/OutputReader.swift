import CSpawn
import Glibc
package import NIOCore
import Synchronization
import SystemPackage

/// Reads what a command writes, as it comes. Its reads block, so they belong on a thread of their own, and can be
/// interrupted from any other.
package final class OutputReader: Sendable {
    private let source: FileDescriptor
    private let closesSource: Bool
    /// What the source is our end of.
    private let terminal: CommandTerminal?
    /// Readable once the reader was interrupted.
    private let interruption: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    private let interrupted = Atomic(false)

    /// How much one read takes, at the most.
    private static let portion = 256 << 10

    /// - Parameter closesSource: whether the reader closes it in the end.
    package convenience init(_ source: FileDescriptor, closesSource: Bool) throws {
        try self.init(source, closesSource: closesSource, terminal: nil)
    }

    /// Reads what a command writes to its terminal.
    convenience init(_ terminal: CommandTerminal) throws {
        try self.init(terminal.main, closesSource: false, terminal: terminal)
    }

    private init(_ source: FileDescriptor, closesSource: Bool, terminal: CommandTerminal?) throws {
        self.source = source
        self.terminal = terminal
        self.closesSource = closesSource
        interruption = try FileDescriptor.closeOnExecPipe()
    }

    deinit {
        try? interruption.readEnd.close()
        try? interruption.writeEnd.close()
        if closesSource { try? source.close() }
    }

    /// Lets every read from now on return what is there already, and then the end.
    package func interrupt() {
        interrupted.store(true, ordering: .releasing)
        // One byte that is never read: the pipe stays readable.
        _ = try? interruption.writeEnd.writeAll([0])
    }

    /// Lets what still comes go to the copy, or nowhere, by a small process that outlives this one.
    ///
    /// - Throws: `Errno` if that can't be started.
    func leave(to copy: OutputCopy?) throws {
        _ = fcntl(source.rawValue, F_SETFL, fcntl(source.rawValue, F_GETFL) & ~O_NONBLOCK)
        let result = cspawn_drain(source.rawValue, copy?.descriptor?.rawValue ?? -1)
        guard result == 0 else { throw Errno(rawValue: result) }
    }

    var isInterrupted: Bool { interrupted.load(ordering: .acquiring) }

    /// Waits for output and returns it; empty at the end, or if there is none after an interruption.
    ///
    /// - Throws: `Errno`.
    package func read() throws -> ByteBuffer {
        while true {
            var events = [
                pollfd(fd: source.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interruption.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&events, 2, -1) >= 0 else {
                if errno == EINTR { continue }
                throw Errno(rawValue: errno)
            }
            if events[0].revents != 0 { break }
            if events[1].revents != 0 { return ByteBuffer() }
        }
        var buffer = ByteBufferAllocator().buffer(capacity: Self.portion)
        do {
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.portion) { try source.read(into: $0) }
        } catch Errno.resourceTemporarilyUnavailable where terminal != nil {
            // What was there was thrown away meanwhile, as a key does that interrupts.
            return try read()
        } catch Errno.ioError where terminal != nil {
            // So a terminal says that no process has it open any more.
        }
        return buffer
    }
}
