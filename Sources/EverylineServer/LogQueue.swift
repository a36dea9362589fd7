import Dispatch
package import Everyline
package import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lines of a program's own log on their way to a file descriptor that may be slow, full or gone: who logs never waits.
///
/// Lines are written in order by a thread of their own. While no reader takes them, ``limit`` bytes of them are kept;
/// what comes beyond is dropped, and a line says how many were.
package final class LogQueue: Sendable {
    package static let limit: ByteCount = .mebibytes(1)

    private let descriptor: Int32
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    private let thread = DispatchQueue(label: "everyline.log")
    private let writing = DispatchGroup()

    private struct State {
        var lines = ByteBuffer()
        var dropped = 0
        var isBeingWritten = false
    }

    /// - Parameter now: the wall clock.
    package init(descriptor: Int32 = STDERR_FILENO, now: @escaping @Sendable () -> Timestamp) {
        self.descriptor = descriptor
        self.now = now
    }

    /// Takes a line with its newline, or drops and counts it.
    package func add(_ line: ByteBuffer) {
        let mustStart = state.withLock { state in
            guard state.lines.readableBytes + line.readableBytes <= Self.limit, state.dropped == 0 else {
                state.dropped += 1
                return false
            }
            state.lines.writeImmutableBuffer(line)
            defer { state.isBeingWritten = true }
            return !state.isBeingWritten
        }
        if mustStart { thread.async(group: writing) { self.drain() } }
    }

    /// Waits until what was taken has been written, for at most `time`: before the process ends.
    package func flush(within time: Duration) {
        _ = writing.wait(timeout: .now() + .milliseconds(Int(time.milliseconds)))
    }

    private func drain() {
        while let lines = take() {
            lines.withUnsafeReadableBytes { write(whole: $0) }
        }
    }

    /// - Returns: what is to be written next; `nil` if nothing is left.
    private func take() -> ByteBuffer? {
        state.withLock { state in
            if state.dropped > 0 {
                state.lines.writeStaticString("{\"timestamp\":")
                state.lines.writeDecimal(now().milliseconds)
                state.lines.writeStaticString(
                    ",\"level\":\"warning\",\"message\":\"Lines of this log were dropped: its reader was too slow\",\"dropped\":\""
                )
                state.lines.writeDecimal(Int64(state.dropped))
                state.lines.writeStaticString("\"}\n")
                state.dropped = 0
            }
            defer { state.lines = ByteBuffer() }
            state.isBeingWritten = state.lines.readableBytes > 0
            return state.isBeingWritten ? state.lines : nil
        }
    }

    /// What a descriptor that is gone doesn't take is lost.
    private func write(whole bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
                systemWrite(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Another program may have made the shared descriptor non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
