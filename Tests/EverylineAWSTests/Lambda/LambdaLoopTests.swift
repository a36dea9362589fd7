import Everyline
import EverylineAWS
import Logging
import NIOCore
import Synchronization
import Testing

@Suite("A function's loop") struct LambdaLoopTests {
    private struct Refusal: Error {}

    /// A handler that answers with what it was given, but for `bad`.
    private struct Echo: LambdaHandler {
        func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
            if String(buffer: invocation.payload) == "bad" { throw Refusal() }
            return invocation.payload
        }
    }

    private func run(_ payloads: [String]) async -> ScriptedRuntime {
        let runtime = ScriptedRuntime(payloads)
        await #expect(throws: ScriptedRuntime.Over.self) {
            try await LambdaLoop(api: runtime, handler: Echo(), logger: .silent).run()
        }
        return runtime
    }

    @Test("answers one event after the other")
    func answers() async {
        #expect(await run(["a", "b"]).said == ["next", "1 a", "next", "2 b", "next"])
    }

    @Test("reports an event that failed, and goes on")
    func failure() async {
        #expect(await run(["bad", "b"]).said == ["next", "1 failed: Refusal", "next", "2 b", "next"])
    }

    @Test("says why it can't be started")
    func start() async {
        let runtime = ScriptedRuntime([])
        await #expect(throws: Refusal.self) {
            try await LambdaLoop.start(api: runtime, logger: .silent) { throw Refusal() }
        }
        #expect(runtime.said == ["not started: Refusal"])
    }

    @Test("leaves a function the time up to its deadline, and none after it")
    func deadline() {
        let invocation = LambdaInvocation(id: "1", payload: ByteBuffer(), deadline: Timestamp(milliseconds: 5000))
        #expect(invocation.remaining(at: Timestamp(milliseconds: 3000)) == .seconds(2))
        #expect(invocation.remaining(at: Timestamp(milliseconds: 6000)) == .zero)
    }
}

/// A runtime API that gives these events, then breaks; it writes down what it was told.
private final class ScriptedRuntime: LambdaRuntimeAPI {
    struct Over: Error {}

    private let state: Mutex<(payloads: [String], count: Int, said: [String])>

    init(_ payloads: [String]) { state = Mutex((payloads, 0, [])) }

    var said: [String] { state.withLock { $0.said } }

    func next() async throws -> LambdaInvocation {
        try state.withLock { state in
            state.said.append("next")
            guard !state.payloads.isEmpty else { throw Over() }
            state.count += 1
            return LambdaInvocation(
                id: "\(state.count)", payload: ByteBuffer(string: state.payloads.removeFirst()), deadline: .epoch)
        }
    }

    func succeed(_ id: String, with answer: ByteBuffer) async throws { say("\(id) \(String(buffer: answer))") }
    func fail(_ id: String, with failure: LambdaFailure) async throws { say("\(id) failed: \(failure.type)") }
    func failToStart(with failure: LambdaFailure) async throws { say("not started: \(failure.type)") }

    private func say(_ text: String) { state.withLock { $0.said.append(text) } }
}

extension Logger {
    /// Writes nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
