import NIOCore
import Synchronization

/// The whole messages that wait for one reader, and how the connection ended.
///
/// The connection's handler puts messages in, ``next()`` takes them out in order; when more than `limit` bytes wait the
/// handler stops reading until half of them were taken.
final class WebSocketInbox: Sendable {
    private struct State {
        var messages = CircularBuffer<WebSocketMessage>(initialCapacity: 0)
        var waitingBytes = 0
        var isFull = false
        var reader: CheckedContinuation<Next, any Error>?
        var closure: WebSocketClosure?
    }

    enum Next: Sendable {
        /// - Parameter makesRoom: whether the handler stopped and may go on.
        case message(WebSocketMessage, makesRoom: Bool)
        case closed(WebSocketClosure)
    }

    /// What a message costs beside its bytes, so that empty ones are bounded too.
    private static let overhead = 64

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// How the connection ended, or is ending; `nil` while it stands.
    var closure: WebSocketClosure? { state.withLock(\.closure) }

    /// Whether less than the limit waits, or than half of it since it was reached.
    var hasRoom: Bool { state.withLock { !$0.isFull } }

    /// Puts a message in.
    /// - Returns: whether there is room for more.
    func put(_ message: WebSocketMessage) -> Bool {
        let (reader, hasRoom) = state.withLock { state -> (CheckedContinuation<Next, any Error>?, Bool) in
            if let reader = state.reader.take() { return (reader, true) }
            state.messages.append(message)
            state.waitingBytes += message.bytes.readableBytes + Self.overhead
            state.isFull = state.waitingBytes >= limit
            return (nil, !state.isFull)
        }
        reader?.resume(returning: .message(message, makesRoom: false))
        return hasRoom
    }

    /// Says how it ended. The first one to say so is right; what was put in before can still be taken out.
    func close(_ closure: WebSocketClosure) {
        let reader = state.withLock { state -> CheckedContinuation<Next, any Error>? in
            guard state.closure == nil else { return nil }
            state.closure = closure
            return state.reader.take()
        }
        reader?.resume(returning: .closed(closure))
    }

    /// Takes the next message out, and waits for it if need be. For one reader at a time.
    ///
    /// - Throws: `CancellationError`; the message that comes next stays for the next call.
    func next() async throws -> Next {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reader in
                let answer = state.withLock { state -> Result<Next, any Error>? in
                    if let next = takeNext(from: &state) { return .success(next) }
                    // The handler below may have run already; it runs after the task is marked.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state.reader == nil, "a second reader comes, with \(state.waitingBytes) bytes waiting")
                    state.reader = reader
                    return nil
                }
                if let answer { reader.resume(with: answer) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(throwing: CancellationError())
        }
    }

    /// What can be taken out without waiting.
    func take() -> Next? {
        state.withLock { takeNext(from: &$0) }
    }

    private func takeNext(from state: inout State) -> Next? {
        guard let message = state.messages.popFirst() else { return state.closure.map(Next.closed) }
        state.waitingBytes -= message.bytes.readableBytes + Self.overhead
        let makesRoom = state.isFull && state.waitingBytes <= limit / 2
        if makesRoom { state.isFull = false }
        return .message(message, makesRoom: makesRoom)
    }
}
