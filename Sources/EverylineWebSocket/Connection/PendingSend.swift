import NIOCore
import Synchronization

/// Messages that wait for the channel to be writable.
struct PendingSend {
    /// Says that whoever waits doesn't any more. Readable from the task that is cancelled and from the event loop.
    final class Ticket: Sendable {
        private let cancelled = Atomic(false)

        var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

        func cancel() {
            cancelled.store(true, ordering: .releasing)
        }
    }

    let payloads: [ByteBuffer]
    let opcode: WebSocketOpcode
    let ticket: Ticket
    let continuation: CheckedContinuation<Void, any Error>
}
