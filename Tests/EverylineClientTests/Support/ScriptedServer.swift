import Everyline
import EverylineClient
import NIOCore
import Synchronization

/// A server that does what a script says, one step a request, and writes down what it was asked.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case locate(Result<Source, TailFailure>)
        case open(Result<[TailReading], TailFailure>)
        case state(Result<TailState, TailFailure>)
    }

    enum Source: Sendable {
        case stream(String)
        case download([TailReading])
    }

    private struct State {
        var steps: [Step]
        var asked: [String] = []
        var closed = 0
    }

    private let state: Mutex<State>

    init(_ steps: [Step]) { state = Mutex(State(steps: steps)) }

    var asked: [String] { state.withLock { $0.asked } }
    var isDone: Bool { state.withLock { $0.steps.isEmpty } }
    var closed: Int { state.withLock { $0.closed } }

    var endpoint: TailEndpoint {
        TailEndpoint(
            locate: { start, _ in
                guard case .locate(let result) = self.step("locate \(start.name)") else { throw self.unscripted }
                switch try result.get() {
                case .stream(let url): return .stream(url)
                case .download(let readings): return .download(ScriptedConnection(server: self, readings: readings))
                }
            },
            open: { url, start, _ in
                guard case .open(let result) = self.step("open \(url) \(start.name)") else { throw self.unscripted }
                return ScriptedConnection(server: self, readings: try result.get())
            },
            state: { _ in
                guard case .state(let result) = self.step("state") else { throw self.unscripted }
                return try result.get()
            })
    }

    private var unscripted: TailFailure { .refused(APIError(status: 400, code: "unscripted", detail: "\(asked)")) }

    private func step(_ question: String) -> Step? {
        state.withLock { state in
            state.asked.append(question)
            return state.steps.isEmpty ? nil : state.steps.removeFirst()
        }
    }

    fileprivate func noteClose() { state.withLock { $0.closed += 1 } }
}

/// A connection that brings what the script says, then breaks.
private struct ScriptedConnection: TailConnection {
    let server: ScriptedServer
    var readings: [TailReading]

    mutating func next() async throws -> TailReading {
        readings.isEmpty ? .lost("the script is over") : readings.removeFirst()
    }

    func close() { server.noteClose() }
}

extension StreamStart {
    var name: String {
        switch self {
        case .after(let offset): "after \(offset)"
        case .notOlderThan(let time): "since \(time.milliseconds)"
        }
    }
}
