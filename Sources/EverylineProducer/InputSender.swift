package import Everyline
package import NIOCore
import Synchronization

/// Brings what is written here to the standard input of a command elsewhere, in order and none of it twice, across any
/// disconnect and any restart of the server.
///
/// It keeps what the command's runner hasn't taken yet, so that it can be sent again: at most ``window`` bytes.
package final class InputSender: Sendable {
    /// How much is kept here: somewhat more than waits at the server, so that there is always something for the room
    /// that comes.
    package static let window: ByteCount = .kibibytes(1280)
    /// How much one request carries, before it is base64.
    private static let portion: ByteCount = .kibibytes(128)

    /// What is asked of the server: to take lines behind a place.
    package typealias Send = @Sendable (_ lines: [InputLine], _ after: UInt64) async throws -> InputResponse

    private let send: Send
    private let policy: RetryPolicy
    private let clock: any Clock<Duration>
    private let changes = ChangeSignal()
    private let state = Mutex(State())

    /// Another client has written to the same input: what is here has no place any more.
    package struct PlaceLost: Error, CustomStringConvertible {
        package let description = "another client writes to the command's input"
    }

    private struct State {
        /// What the runner hasn't taken, from `start` on.
        var kept = ByteBuffer()
        var start: UInt64 = 0
        /// Of what came before it.
        var hash = InputHash()
        /// How far the server is.
        var received: UInt64 = 0
        var isFinished = false
        var isEndReceived = false
        var isClosed = false
        var size: TerminalSize?

        var end: UInt64 { start + UInt64(kept.readableBytes) }

        enum Step {
            case send([InputLine])
            /// Everything has been sent; the server says when the runner has it.
            case confirm([InputLine])
            case idle
            case done
        }

        var next: Step {
            if isClosed { return .done }
            // The server forgets it when it is started anew.
            var lines = size.map { [InputLine.size($0)] } ?? []
            let unsent = Int(end - received)
            let count = min(unsent, InputSender.portion)
            if count > 0, let part = kept.getSlice(at: kept.readerIndex + Int(received - start), length: count) {
                lines.append(.bytes(part))
            }
            if isFinished, count == unsent { lines.append(.end) }
            if unsent > 0 || isFinished && !isEndReceived { return .send(lines) }
            return kept.readableBytes > 0 || isFinished ? .confirm(lines) : .idle
        }

        mutating func learn(_ answer: InputResponse) throws {
            guard answer.taken >= start || answer.closed, answer.received >= start, answer.received <= end else {
                throw PlaceLost()
            }
            // An end that isn't this client's: what it still has would be dropped.
            guard !answer.ended || isFinished && answer.received == end else { throw PlaceLost() }
            received = answer.received
            let taken = min(max(answer.taken, start), end)
            if let read = kept.readSlice(length: Int(taken - start)) { hash.add(read) }
            kept.discardReadBytes()
            start = taken
            // Bytes at this client's places that came from another one.
            if let theirs = answer.takenSHA256, taken == answer.taken, theirs != hash.text { throw PlaceLost() }
            received = max(received, start)
            (isEndReceived, isClosed) = (answer.ended, answer.closed)
        }
    }

    package init(policy: RetryPolicy, clock: any Clock<Duration>, _ send: @escaping Send) {
        self.send = send
        self.policy = policy
        self.clock = clock
    }

    /// Adds bytes, and waits until there is room for more.
    ///
    /// - Throws: `CancellationError`.
    package func write(_ bytes: ByteBuffer) async throws {
        state.withLock { _ = $0.kept.writeImmutableBuffer(bytes) }
        changes.announce()
        while true {
            let version = changes.version
            if state.withLock({ $0.kept.readableBytes < Self.window || $0.isClosed }) { return }
            try await changes.wait(past: version)
        }
    }

    /// Says that nothing follows.
    package func finish() {
        state.withLock { $0.isFinished = true }
        changes.announce()
    }

    /// Says what size the terminal has from now on.
    package func resize(to size: TerminalSize) {
        state.withLock { $0.size = size }
        changes.announce()
    }

    /// Returns when the command takes no more: because it has everything and its end, or doesn't read any more, or has
    /// ended.
    ///
    /// - Throws: `APIError` if the server refuses; ``PlaceLost``; `CancellationError`.
    package func run() async throws {
        do {
            try await sendAll()
        } catch let error as APIError where error.knownCode == .ended {
            state.withLock { $0.isClosed = true }
            changes.announce()
        }
    }

    private func sendAll() async throws {
        var sentSize: TerminalSize?
        while true {
            let version = changes.version
            let (step, place, size) = state.withLock { ($0.next, $0.received, $0.size) }
            let answer: InputResponse
            switch step {
            case .done: return
            case .idle where size == sentSize:
                try await changes.wait(past: version)
                continue
            case .idle:
                answer = try await retrying { try await self.send(size.map { [.size($0)] } ?? [], place) }
            case .send(let lines): answer = try await retrying { try await self.send(lines, place) }
            case .confirm(let lines):
                guard let confirmed = try await confirm(lines, place, unlessPast: version) else { continue }
                answer = confirmed
            }
            sentSize = size
            try state.withLock { try $0.learn(answer) }
            changes.announce()
        }
    }

    /// Asks whether the runner has everything; `nil` if there is something to send before the answer comes.
    private func confirm(_ lines: [InputLine], _ place: UInt64, unlessPast version: UInt64) async throws
        -> InputResponse?
    {
        try await withThrowingTaskGroup(of: InputResponse?.self) { group in
            group.addTask { try await self.retrying { try await self.send(lines, place) } }
            group.addTask {
                try await self.changes.wait(past: version)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func retrying(_ step: () async throws -> InputResponse) async throws -> InputResponse {
        try await policy.run(
            clock: clock,
            isTransient: { error in
                guard let error = error as? APIError else { return RetryPolicy.isTransient(error) }
                // A server that was just started has not heard of the runner yet.
                return error.mayPassForProducer || error.knownCode == .noInput
            }, step)
    }
}
