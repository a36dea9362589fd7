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
    /// Takes over when this process is killed.
    let drain: Drain?
    /// Readable once the reader was interrupted.
    private let interruption: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    /// How much of what was there at the interruption is still to be read, in bytes; -1 before it.
    private let rest = Atomic(-1)
    private let hasEnded = Atomic(false)
    /// Whether what was read last has been taken.
    private let isWaiting = Atomic(true)

    /// How much one read takes, at the most.
    private static let portion = 256 << 10

    /// - Parameter closesSource: whether the reader closes it in the end.
    package convenience init(_ source: FileDescriptor, closesSource: Bool) throws {
        try self.init(source, closesSource: closesSource, terminal: nil)
    }

    /// Reads what a command writes into a pipe.
    ///
    /// - Parameter copy: where it goes besides, also if this process is killed; `nil`: then the pipe has no reader.
    convenience init(pipe: FileDescriptor, copy: OutputCopy?) throws {
        try self.init(
            pipe, closesSource: true, terminal: nil, drain: copy.map { try Drain(of: pipe, to: $0, isWaiting: true) })
    }

    /// Reads what a command writes to its terminal.
    convenience init(_ terminal: CommandTerminal) throws {
        try self.init(terminal.main, closesSource: false, terminal: terminal)
    }

    private init(
        _ source: FileDescriptor, closesSource: Bool, terminal: CommandTerminal?, drain: Drain? = nil
    ) throws {
        self.source = source
        self.terminal = terminal
        self.drain = drain
        self.closesSource = closesSource
        interruption = try FileDescriptor.closeOnExecPipe()
    }

    deinit {
        try? interruption.readEnd.close()
        try? interruption.writeEnd.close()
        if closesSource { try? source.close() }
    }

    /// Lets the reads from now on return what is there already, and then the end, however much more comes.
    package func interrupt() {
        var count: Int32 = 0
        // A file has all of its rest there, which may be any length.
        let isKnown = !source.isRegularFile && ioctl(source.rawValue, UInt(FIONREAD), &count) == 0
        rest.store(isKnown ? Int(count) : Self.portion, ordering: .releasing)
        // One byte that is never read: the pipe stays readable.
        _ = try? interruption.writeEnd.writeAll([0])
    }

    /// Lets what still comes go to the copy, behind what that has got, or nowhere, by a small process that outlives
    /// this one. Without a reader the pipe would kill its writer.
    func leave(to copy: OutputCopy?) {
        let begin: @Sendable () -> Void = { [self] in
            if let drain { return drain.begin() }
            // Where the system has no process left, its writer ends as it does without a reader.
            _ = try? Drain(of: source, to: copy, isWaiting: false)
        }
        if let copy { copy.afterWaiting(begin) } else { begin() }
    }

    /// Whether all that was written has been read, and taken.
    var isDrained: Bool {
        var count: Int32 = 0
        guard isWaiting.load(ordering: .acquiring) else { return false }
        return ioctl(source.rawValue, UInt(FIONREAD), &count) != 0 || count == 0
    }

    /// Whether the reading was ended although more may come.
    var isCut: Bool { isInterrupted && !hasEnded.load(ordering: .acquiring) }

    var isInterrupted: Bool { rest.load(ordering: .acquiring) >= 0 }

    /// Waits for output and returns it; empty at the end, or if there is none after an interruption.
    ///
    /// - Throws: `Errno`.
    package func read() throws -> ByteBuffer {
        guard source.wasOpenAtStart else { throw Errno.badFileDescriptor }
        isWaiting.store(true, ordering: .releasing)
        let rest = rest.load(ordering: .acquiring)
        while true {
            var events = [
                pollfd(fd: source.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interruption.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&events, 2, -1) >= 0 else {
                if errno == EINTR { continue }
                throw Errno(rawValue: errno)
            }
            if rest == 0 {
                let isOver = events[0].revents & Int16(POLLIN | POLLHUP) == Int16(POLLHUP)
                if isOver { hasEnded.store(true, ordering: .releasing) }
                return ByteBuffer()
            }
            if events[0].revents != 0 { break }
            if events[1].revents != 0 { return ByteBuffer() }
        }
        let limit = rest > 0 ? min(rest, Self.portion) : Self.portion
        var buffer = ByteBufferAllocator().buffer(capacity: limit)
        do {
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) {
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<limit]))
            }
        } catch Errno.resourceTemporarilyUnavailable where terminal != nil {
            // What was there was thrown away meanwhile, as a key does that interrupts.
            return try read()
        } catch Errno.ioError where terminal != nil {
            // So a terminal says that no process has it open any more.
        } catch Errno.ioError where terminal == nil && isInBackground {
            // As the kernel stops a program there whose threads don't block its signal.
            OwnProcess.suffer(SIGTTIN)
            return try read()
        }
        if rest > 0 { self.rest.subtract(buffer.readableBytes, ordering: .acquiringAndReleasing) }
        if buffer.readableBytes == 0 { hasEnded.store(true, ordering: .releasing) }
        isWaiting.store(buffer.readableBytes == 0, ordering: .releasing)
        return buffer
    }

    /// Whether the source is this process's terminal, where the shell has others in the foreground, and lets this one
    /// go on later.
    private var isInBackground: Bool {
        let group = tcgetpgrp(source.rawValue)
        return group > 0 && group != getpgrp() && !OwnProcess.isOrphaned
    }
}

extension [OutputReader] {
    /// Waits, on a thread that this blocks, until what a command that is stopped wrote before is where its user sees
    /// it. For a second at the most: what shows it may be waiting itself.
    func waitForOutput() {
        var rounds = 0
        // A terminal hands on what was written to it a moment later.
        for _ in 0..<500 {
            rounds = allSatisfy(\.isDrained) ? rounds + 1 : 0
            if rounds == 5 { return }
            usleep(2_000)
        }
    }
}

/// A small process that outlives this one, reads what still comes out of a pipe, and passes it on.
final class Drain: Sendable {
    /// 0 for one that doesn't wait.
    let number: Int32
    private let notes: Mutex<FileDescriptor?>

    /// - Parameters:
    ///   - copy: where it goes; `nil`: nowhere.
    ///   - isWaiting: whether it begins only when this process has ended, or lets it.
    /// - Throws: `Errno`.
    init(of pipe: FileDescriptor, to copy: OutputCopy?, isWaiting: Bool) throws {
        var keeper = cspawn_keeper(number: 0, notes: -1)
        let target = copy?.descriptor?.rawValue ?? -1
        let result =
            isWaiting ? cspawn_drain(pipe.rawValue, target, &keeper) : cspawn_drain(pipe.rawValue, target, nil)
        guard result == 0 else { throw Errno(rawValue: result) }
        number = keeper.number
        notes = Mutex(keeper.notes >= 0 ? FileDescriptor(rawValue: keeper.notes) : nil)
    }

    deinit { begin() }

    /// Lets it begin.
    func begin() { close(sending: []) }

    /// Ends it, since the pipe was read to its end, and waits for that: then nothing that it holds open is open any
    /// more.
    func dismiss() {
        close(sending: [0])
        waitpid(number, nil, 0)
    }

    private func close(sending note: [UInt8]) {
        notes.withLock { notes in
            // If it was killed, nothing is to be done.
            if !note.isEmpty { _ = try? notes?.writeAll(note) }
            try? notes?.close()
            notes = nil
        }
    }
}
