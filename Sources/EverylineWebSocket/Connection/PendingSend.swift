import NIOCore
import Synchronization

/// Messages that wait for the channel to be writable.
struct PendingSend {
    /// Says that the sending task no longer waits. Readable from the task that is cancelled and from the event loop.
    final class Ticket: Sendable {
        private let cancelled = Atomic(false)

        var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

        func cancel() {
            cancelled.store(true, ordering: .releasing)
        }
    }

    /// What is sent.
    enum Content {
        /// Messages, which are encoded when their turn comes.
        case messages([ByteBuffer], WebSocketOpcode)
        /// Frames that are encoded already.
        case frames([ByteBuffer])
    }

    let content: Content
    let ticket: Ticket
    let continuation: CheckedContinuation<Void, any Error>
}
