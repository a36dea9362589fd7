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
    private let waiting = Mutex(Waiting())
    private let onFailure: @Sendable (Errno) -> Void
    private let wrote: @Sendable (UInt8) -> Void

    /// What the target hasn't taken yet.
    private struct Waiting {
        var bytes = ByteBuffer()
        /// What is to be done when nothing waits any more.
        var next: [@Sendable () -> Void] = []
    }

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

    /// Whether both write to the same file, pipe or terminal.
    func goes(where other: OutputCopy) -> Bool { target.isSame(as: other.target) }

    /// What is written to; `nil` if it has failed.
    var descriptor: FileDescriptor? { isIncomplete ? nil : target }

    /// Blocks until the bytes are written, or the target fails; once it is detached, only while much waits.
    ///
    /// - Parameters:
    ///   - isFromTerminal: whether the bytes come from a terminal, which has put a carriage return before each newline.
    ///   - isOver: is asked every tenth of a second, while much waits, whether that is to wait in memory too.
    func write(_ bytes: ByteBuffer, isFromTerminal: Bool = false, unless isOver: () -> Bool = { false }) {
        guard !isIncomplete else { return }
        // While this process is in the background, the user's terminal does so too.
        let bytes = isFromTerminal && target.addsCarriageReturns ? bytes.withoutAddedCarriageReturns : bytes
        attempt {
            var written = 0
            if !isDetached {
                written = try bytes.withUnsafeReadableBytes { try target.writeWaiting($0) { isDetached } }
            }
            guard written < bytes.readableBytes else { return }
            waiting.withLock { _ = $0.bytes.writeBytes(bytes.readableBytesView.dropFirst(written)) }
            try writeWaiting()
            while waitingBytes > Self.waitingLimit, try target.takesMore(unless: isOver) { try writeWaiting() }
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
        if !isIncomplete { attempt { try writeWaiting() } }
        guard isIncomplete || waitingBytes == 0 else { return false }
        goOn()
        return true
    }

    /// Does something once nothing waits any more: what another process writes to the target then comes behind it.
    func afterWaiting(_ next: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.next.append(next) }
        _ = flush()
    }

    /// Gives up what still waits.
    package func giveUp() {
        waiting.withLock { $0.bytes.clear() }
        goOn()
    }

    /// More than a command's pipe and its last lines can hold. What a process writes that it left behind is read on
    /// only when the target has taken some of it.
    private static let waitingLimit: ByteCount = .mebibytes(8)

    private var isDetached: Bool { detached.load(ordering: .acquiring) }

    private var waitingBytes: ByteCount { waiting.withLock { $0.bytes.readableBytes } }

    /// Writes what waits, as far as the target takes it at once.
    private func writeWaiting() throws {
        try waiting.withLock { waiting in
            let written = try waiting.bytes.withUnsafeReadableBytes { try target.writeWaiting($0) { true } }
            waiting.bytes.moveReaderIndex(forwardBy: written)
            waiting.bytes.discardReadBytes()
        }
    }

    private func goOn() {
        let next = waiting.withLock { waiting in
            defer { waiting.next = [] }
            return waiting.next
        }
        for step in next { step() }
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
    fileprivate func isSame(as other: FileDescriptor) -> Bool {
        var (own, others) = (Glibc.stat(), Glibc.stat())
        guard wasOpenAtStart == other.wasOpenAtStart, fstat(rawValue, &own) == 0, fstat(other.rawValue, &others) == 0
        else { return false }
        return (own.st_dev, own.st_ino) == (others.st_dev, others.st_ino)
    }

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
    fileprivate func takesMore(unless isOver: () -> Bool) throws -> Bool {
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
