import Everyline
import EverylineClient
import EverylineRunner
import NIOCore
import Synchronization

/// A server of one log that keeps it in memory, by the append rule, and fails when it is told to.
final class MemoryServer: Sendable {
    private struct State {
        var lines: [String] = []
        var failures: [any Error] = []
        var requests: [(head: Offset, bytes: Int)] = []
        /// Answers that are lost on the way: the append itself is carried out.
        var lostAnswers = 0
    }

    private let state = Mutex(State())
    private let bodyLimit: Int
    private let countLimit: Int
    private let stop = AsyncStream.makeStream(of: Bool.self)

    /// - Parameters:
    ///   - bodyLimit: how much one append takes, in bytes.
    ///   - countLimit: how many lines the log takes; notices and the end are taken in any case.
    init(bodyLimit: Int = .max, countLimit: Int = .max, lines: [String] = []) {
        self.bodyLimit = bodyLimit
        self.countLimit = countLimit
        state.withLock { $0.lines = lines }
    }

    var lines: [String] { state.withLock { $0.lines } }
    var messages: [String] { lines.compactMap { field("message", in: $0) } }
    var requests: [(head: Offset, bytes: Int)] { state.withLock { $0.requests } }

    func fail(_ errors: any Error...) { state.withLock { $0.failures += errors } }
    func loseAnswers(_ count: Int) { state.withLock { $0.lostAnswers = count } }
    func requestStop() { stop.continuation.yield(true) }

    var endpoint: ProducerEndpoint {
        ProducerEndpoint(
            append: { events, head in try self.append(events, head) },
            mustStop: {
                for await isAsked in self.stop.stream { return isAsked }
                throw CancellationError()
            })
    }

    private func append(_ events: ByteBuffer, _ head: Offset) throws -> Offset {
        try state.withLock { state in
            state.requests.append((head, events.readableBytes))
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            let current = Offset(UInt64(state.lines.count))
            func refuse(_ code: Problem.Code) -> APIError {
                APIError(status: code.status, code: code.rawValue, detail: "no", head: current)
            }
            if events.readableBytes > bodyLimit { throw refuse(.bodyTooLarge) }
            guard head <= current else { throw refuse(.outOfOrder) }
            let sent = String(buffer: events).split(separator: "\n").map(String.init)
            let new = sent.dropFirst(current.distance(from: head))
            guard !new.isEmpty else { return current }
            if let last = state.lines.last, isEnd(last) { throw refuse(.ended) }
            let ordinary = new.filter { !isEnd($0) && field("code", in: $0) == nil }
            if !ordinary.isEmpty, state.lines.count + new.count > countLimit { throw refuse(.logFull) }
            state.lines += new
            if state.lostAnswers > 0 {
                state.lostAnswers -= 1
                throw ClientError.unreachable("the answer was lost")
            }
            return Offset(UInt64(state.lines.count))
        }
    }
}

func isEnd(_ line: String) -> Bool { field("type", in: line) == "end" }

/// A string field of a line without escapes.
func field(_ name: String, in line: String) -> String? {
    let parts = line.split(separator: "\"\(name)\":\"", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    return parts[1].split(separator: "\"", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
}

/// An event as a runner writes it, with its newline.
func event(_ message: String) -> ByteBuffer { ByteBuffer(string: "{\"timestamp\":1,\"message\":\"\(message)\"}\n") }

let endEvent = ByteBuffer(string: "{\"timestamp\":2,\"type\":\"end\",\"status\":\"SUCCEEDED\",\"exit_code\":0}\n")
