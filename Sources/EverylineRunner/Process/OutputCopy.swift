import CSpawn
import Everyline
import Glibc
import NIOCore
import Synchronization
package import SystemPackage

/// Writes output to a descriptor of the caller's, as `tee` does: a descriptor that another program has set to
/// non-blocking is waited for; one that fails (its reader is gone, its disk is full) is given up, and said so once.
package final class OutputCopy: Sendable {
    private let target: FileDescriptor
    private let hasFailed = Atomic(false)
    private let detached = Atomic(false)
    private let waiting = Mutex(ByteBuffer())
    private let onFailure: @Sendable (Errno) -> Void
    private let wrote: @Sendable (UInt8) -> Void

    /// - Parameter wrote: gets the last byte of what was handed over, each time.
    package init(
        to target: FileDescriptor, wrote: @escaping @Sendable (UInt8) -> Void = { _ in },
        onFailure: @escaping @Sendable (Errno) -> Void
    ) {
        self.target = target
        self.wrote = wrote
        self.onFailure = onFailure
        if !target.wasOpenAtStart {
            hasFailed.store(true, ordering: .releasing)
            onFailure(.badFileDescriptor)
        }
    }

    /// Whether something that was handed over was not written.
    package var isIncomplete: Bool { hasFailed.load(ordering: .acquiring) }

    /// What is written to; `nil` if it has failed.
    var descriptor: FileDescriptor? { isIncomplete ? nil : target }

    /// Blocks until the bytes are written, or the target fails; once it is detached, never.
    ///
    /// - Parameter isFromTerminal: whether the bytes come from a terminal, which has put a carriage return before each
    ///   newline.
    func write(_ bytes: ByteBuffer, isFromTerminal: Bool = false) {
        guard !isIncomplete else { return }
        // While this process is in the background, the user's terminal does so too.
        let bytes = isFromTerminal && target.addsCarriageReturns ? bytes.withoutAddedCarriageReturns : bytes
        attempt {
            if isDetached { return try waiting.withLock { try Self.write(bytes, behind: &$0, to: target) } }
            let written = try bytes.withUnsafeReadableBytes { try target.writeWaiting($0) { isDetached } }
            guard written < bytes.readableBytes else { return }
            waiting.withLock { _ = $0.writeBytes(bytes.readableBytesView.dropFirst(written)) }
        }
        if let last = bytes.readableBytesView.last { wrote(last) }
    }

    /// The command has ended: from now on its record waits for no reader. What the target doesn't take at once waits
    /// for it in memory.
    func detach() { detached.store(true, ordering: .releasing) }

    /// Writes what has waited, as far as the target takes it at once.
    ///
    /// - Returns: whether nothing waits any more.
    package func flush() -> Bool {
        guard !isIncomplete else { return true }
        attempt { try waiting.withLock { try Self.write(ByteBuffer(), behind: &$0, to: target) } }
        return isIncomplete || waiting.withLock { $0.readableBytes == 0 }
    }

    /// What a command's pipe and its last lines can hold; beyond it what a process writes that it left behind is given
    /// up.
    private static let waitingLimit: ByteCount = .mebibytes(8)

    private var isDetached: Bool { detached.load(ordering: .acquiring) }

    private static func write(_ bytes: ByteBuffer, behind waiting: inout ByteBuffer, to target: FileDescriptor) throws {
        guard waiting.readableBytes + bytes.readableBytes <= waitingLimit else { throw Errno.noBufferSpace }
        waiting.writeImmutableBuffer(bytes)
        let written = try waiting.withUnsafeReadableBytes { try target.writeWaiting($0) { true } }
        waiting.moveReaderIndex(forwardBy: written)
        waiting.discardReadBytes()
    }

    private func attempt(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            hasFailed.store(true, ordering: .releasing)
            onFailure(error as? Errno ?? .ioError)
        }
    }
}

extension ByteBuffer {
    /// Without one carriage return before each newline.
    fileprivate var withoutAddedCarriageReturns: ByteBuffer {
        var (kept, rest) = (ByteBuffer(), readableBytesView)
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<newline]
            kept.writeBytes(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            kept.writeInteger(UInt8(ascii: "\n"))
            rest = rest[(newline + 1)...]
        }
        kept.writeBytes(rest)
        return kept
    }
}

extension FileDescriptor {
    var isRegularFile: Bool {
        var status = Glibc.stat()
        return fstat(rawValue, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether it isn't a standard stream that this process was started without: what stands in its place takes
    /// everything and has nothing.
    var wasOpenAtStart: Bool { rawValue > STDERR_FILENO || cspawn_was_open(rawValue) }

    /// Whether it is a terminal that puts a carriage return before each newline that is written to it.
    fileprivate var addsCarriageReturns: Bool {
        var settings = termios()
        let both = tcflag_t(OPOST | ONLCR)
        return tcgetattr(rawValue, &settings) == 0 && settings.c_oflag & both == both
    }

    /// Writes all of the bytes, and waits where the descriptor takes no more for now.
    ///
    /// - Parameter isOver: is asked each time before it waits, and every tenth of a second while it does; then what is
    ///   left isn't written. A file is written whole.
    /// - Returns: how many bytes were written.
    /// - Throws: `Errno`.
    @discardableResult
    package func writeWaiting(_ bytes: UnsafeRawBufferPointer, unless isOver: () -> Bool = { false }) throws -> Int {
        guard wasOpenAtStart else { throw Errno.badFileDescriptor }
        let isFile = isRegularFile
        var written = 0
        while written < bytes.count {
            if !isFile, try !takesMore(unless: isOver) { return written }
            // A pipe that takes more takes so much without waiting (pipe(7)).
            let part = isFile ? bytes.count - written : min(bytes.count - written, Int(PIPE_BUF))
            do {
                written += try write(
                    UnsafeRawBufferPointer(rebasing: bytes[written..<written + part]), retryOnInterrupt: false)
            } catch let error as Errno where error == .resourceTemporarilyUnavailable {
                continue
            } catch Errno.interrupted {
                // The terminal refuses what a background process writes, by a signal each time, until it is in the
                // foreground.
                if isOver() { return written }
                usleep(20_000)
            }
        }
        return written
    }

    /// Waits until something can be written, or an error waits to be found.
    ///
    /// - Returns: false if it is over before.
    private func takesMore(unless isOver: () -> Bool) throws -> Bool {
        while true {
            var event = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
            let isOver = isOver()
            let count = poll(&event, 1, isOver ? 0 : 100)
            guard count >= 0 || errno == EINTR else { throw Errno(rawValue: errno) }
            if count > 0 { return true }
            if isOver { return false }
        }
    }
}
