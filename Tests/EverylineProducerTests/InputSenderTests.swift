import Everyline
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@testable import EverylineProducer

@Suite("A sender of input", .timeLimit(.minutes(5))) struct InputSenderTests {
    /// A server with a runner that reads a little with each request, and now and then forgets everything, or an answer.
    private final class Server: Sendable {
        struct State {
            var buffer: InputBuffer?
            var read = ByteBuffer()
            var isEnded = false
            var generator: SeededGenerator
            var largest = 0
        }

        let state: Mutex<State>
        let faults: ClosedRange<Int>

        init(seed: UInt64, faults: ClosedRange<Int>) {
            state = Mutex(State(generator: SeededGenerator(seed: seed)))
            self.faults = faults
        }

        func take(_ lines: [InputLine], after place: UInt64) throws -> InputResponse {
            try state.withLock { state in
                let fault = Int.random(in: faults, using: &state.generator)
                if fault == 1 { state.buffer = nil }
                if state.buffer == nil, fault == 2 {
                    throw APIError(status: 409, code: Problem.Code.noInput.rawValue, detail: "")
                }
                var buffer = state.buffer ?? InputBuffer(after: UInt64(state.read.readableBytes))
                _ = buffer.write(lines, after: place, room: .max)
                state.largest = max(state.largest, buffer.count)
                for line in buffer.lines(
                    after: buffer.taken, size: nil, limit: Int.random(in: 1...50_000, using: &state.generator))
                {
                    switch line {
                    case .bytes(let bytes):
                        state.read.writeImmutableBuffer(bytes)
                        buffer.take(through: UInt64(state.read.readableBytes), isClosed: false)
                    case .end:
                        state.isEnded = true
                        buffer.take(through: UInt64(state.read.readableBytes), isClosed: true)
                    case .size: break
                    }
                }
                state.buffer = buffer
                if fault == 3 { throw ClientError.timedOut }
                return InputResponse(buffer)
            }
        }
    }

    @Test(
        "brings everything and the end, once and in order, whatever is forgotten and whichever answers are lost",
        arguments: UInt64(0)..<10)
    func everything(seed: UInt64) async throws {
        let server = Server(seed: seed, faults: 1...10)
        let sender = InputSender(policy: RetryPolicy(), clock: InstantClock()) { lines, place in
            try server.take(lines, after: place)
        }
        var whole = ByteBuffer()
        for number in 0..<30_000 { whole.writeString("\(number) ") }
        let written = whole
        try await withThrowingTaskGroup { group in
            group.addTask {
                var rest = written
                var generator = SeededGenerator(seed: seed)
                while rest.readableBytes > 0 {
                    let count = min(rest.readableBytes, Int.random(in: 1...20_000, using: &generator))
                    try await sender.write(rest.readSlice(length: count) ?? ByteBuffer())
                }
                sender.finish()
            }
            try await sender.run()
            group.cancelAll()
        }
        server.state.withLock {
            #expect($0.read == written && $0.isEnded)
            #expect($0.largest <= InputBuffer.limit)
        }
    }

    @Test("stops where another client writes too, and where the server refuses")
    func refused() async throws {
        let other = InputSender(policy: RetryPolicy(), clock: InstantClock()) { _, _ in
            InputResponse(received: 9, taken: 0, ended: false, closed: false)
        }
        other.finish()
        await #expect(throws: InputSender.PlaceLost.self) { try await other.run() }
        // Nine bytes of another client were taken, and this one has ten.
        let overtaken = InputSender(policy: RetryPolicy(), clock: InstantClock()) { lines, place in
            var theirs = InputBuffer(after: 0)
            _ = theirs.write([.bytes(ByteBuffer(string: "not mine!"))], after: 0, room: .max)
            theirs.take(through: 9, isClosed: false)
            _ = theirs.write(lines, after: place, room: .max)
            return InputResponse(theirs)
        }
        try await overtaken.write(ByteBuffer(string: "0123456789"))
        await #expect(throws: InputSender.PlaceLost.self) { try await overtaken.run() }
        let refused = InputSender(policy: RetryPolicy(), clock: InstantClock()) { _, _ in
            throw APIError(status: 403, code: Problem.Code.forbidden.rawValue, detail: "")
        }
        refused.finish()
        await #expect(throws: APIError.self) { try await refused.run() }
    }

    @Test("is through when the command has ended, whatever it has not read")
    func ended() async throws {
        let sender = InputSender(policy: RetryPolicy(), clock: InstantClock()) { _, _ in
            throw APIError(status: 409, code: Problem.Code.ended.rawValue, detail: "")
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await sender.write(ByteBuffer(repeating: 1, count: 2 * InputSender.window)) }
            group.addTask { try await sender.run() }
            try await group.waitForAll()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }

    @Test("lets who writes wait while its window is full, and go on when the command takes no more")
    func window() async throws {
        let (stream, opened) = AsyncStream.makeStream(of: Void.self)
        let sender = InputSender(policy: RetryPolicy(), clock: InstantClock()) { _, _ in
            for await _ in stream { break }
            return InputResponse(received: 0, taken: 0, ended: false, closed: true)
        }
        let isThrough = Flag()
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await sender.write(ByteBuffer(repeating: 1, count: InputSender.window))
                isThrough.set()
            }
            group.addTask { try await sender.run() }
            for _ in 0..<1000 { await Task.yield() }
            #expect(!isThrough.isSet)
            opened.yield()
            try await group.waitForAll()
        }
        #expect(isThrough.isSet)
    }
}
