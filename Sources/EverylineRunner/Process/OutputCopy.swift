import CSpawn
import Glibc
import NIOCore
import Synchronization
package import SystemPackage

/// Writes output to a descriptor of the caller's, as `tee` does: a descriptor that another program has set to non-blocking is waited for;
/// one that fails (its reader is gone, its disk is full) is given up, and said so once.
package final class OutputCopy: Sendable {
    private let target: FileDescriptor
    private let hasFailed = Atomic(false)
    private let onFailure: @Sendable (Errno) -> Void

    package init(to target: FileDescriptor, onFailure: @escaping @Sendable (Errno) -> Void) {
        self.target = target
        self.onFailure = onFailure
        // What stands in a closed one's place would take everything.
        if !cspawn_was_open(target.rawValue) {
            hasFailed.store(true, ordering: .releasing)
            onFailure(.badFileDescriptor)
        }
    }

    /// Whether something that was handed over was not written.
    package var isIncomplete: Bool { hasFailed.load(ordering: .acquiring) }

    /// What is written to; `nil` if it has failed.
    var descriptor: FileDescriptor? { isIncomplete ? nil : target }

    /// Blocks until the bytes are written, or the target fails.
    func write(_ bytes: ByteBuffer) {
        guard !isIncomplete else { return }
        do {
            try bytes.withUnsafeReadableBytes { try target.writeWaiting($0) }
        } catch {
            hasFailed.store(true, ordering: .releasing)
            onFailure(error as? Errno ?? .ioError)
        }
    }
}

extension FileDescriptor {
    /// Writes all of the bytes, and waits where the descriptor is non-blocking and full.
    ///
    /// - Throws: `Errno`.
    package func writeWaiting(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            do {
                rest = UnsafeRawBufferPointer(rebasing: rest[(try write(rest, retryOnInterrupt: false))...])
            } catch let error as Errno where error == .resourceTemporarilyUnavailable {
                var event = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                guard poll(&event, 1, -1) >= 0 || errno == EINTR else { throw Errno(rawValue: errno) }
            } catch Errno.interrupted {
                // The terminal refuses what a background process writes, by a signal each time, until it is in the foreground.
                usleep(20_000)
            }
        }
    }
}
