import Everyline
import EverylineProducer
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
        var late: [String] = []
        var saysStop = false
        /// Each with the log's head at its arrival.
        var pending: [(line: PendingLine, head: Offset)] = []
        var pendingFailures: [any Error] = []
        /// What it answers at once to a producer that asks whether to stop.
        var polls: [ProducerEndpoint.StopResponse] = []
        /// `nil` where incarnations aren't told apart.
        var history: LogHistory?

        mutating func poll() -> ProducerEndpoint.StopResponse? { polls.isEmpty ? nil : polls.removeFirst() }

        mutating func setPending(_ line: PendingLine) throws {
            if !pendingFailures.isEmpty { throw pendingFailures.removeFirst() }
            pending.append((line, Offset(UInt64(lines.count))))
        }
    }

    private let state = Mutex(State())
    private let bodyLimit: Int
    private let countLimit: Int
    private let isForeign: Bool
    private let stop = AsyncStream.makeStream(of: Bool.self)

    /// - Parameters:
    ///   - bodyLimit: how much one append takes, in bytes.
    ///   - isForeign: whether a proxy in front of it has that limit.
    ///   - countLimit: how many lines the log takes; notices and the end are taken in any case.
    init(bodyLimit: Int = .max, countLimit: Int = .max, isForeign: Bool = false, lines: [String] = []) {
        self.bodyLimit = bodyLimit
        self.countLimit = countLimit
        self.isForeign = isForeign
        state.withLock { $0.lines = lines }
    }

    var lines: [String] { state.withLock { $0.lines } }
    var messages: [String] { lines.compactMap { field("message", in: $0) } }
    var requests: [(head: Offset, bytes: Int)] { state.withLock { $0.requests } }

    var pending: [(line: PendingLine, head: Offset)] { state.withLock { $0.pending } }

    func failPending(_ errors: any Error...) { state.withLock { $0.pendingFailures += errors } }
    /// Ends the question that waits here, as a server does that goes.
    func answerControl() { stop.continuation.yield(false) }
    func fail(_ errors: any Error...) { state.withLock { $0.failures += errors } }
    func loseAnswers(_ count: Int) { state.withLock { $0.lostAnswers = count } }
    func requestStopByAnswers() { state.withLock { $0.saysStop = true } }
    /// A request that was given up long ago arrives right behind the next sign of life.
    func arrivesLate(_ lines: [String]) { state.withLock { $0.late = lines } }
    /// Those who ask whether to stop aren't kept waiting for these.
    func answerPolls(_ answers: ProducerEndpoint.StopResponse...) { state.withLock { $0.polls = answers } }
    var unansweredPolls: Int { state.withLock { $0.polls.count } }
    var incarnation: Incarnation? { state.withLock { $0.history?.current } }
    /// Tells incarnations apart from now on.
    func begin(in incarnation: Incarnation) { state.withLock { $0.history = LogHistory(in: incarnation) } }
    /// What a backup of now holds.
    var backup: Backup { state.withLock { Backup(lines: $0.lines, history: $0.history) } }
    struct Backup: Sendable {
        fileprivate let lines: [String]
        fileprivate let history: LogHistory?
    }
    /// Puts a backup back.
    func restore(_ backup: Backup, as incarnation: Incarnation) {
        state.withLock { state in
            state.lines = backup.lines
            state.history = backup.history
            state.history?.restore(to: incarnation, base: Offset(UInt64(backup.lines.count)))
        }
    }
    func requestStop() { stop.continuation.yield(true) }

    var endpoint: ProducerEndpoint {
        ProducerEndpoint(
            append: { events, head, incarnation in
                let current = try self.append(events, head, incarnation)
                return .init(
                    head: current, isStopRequested: self.state.withLock { $0.saysStop }, incarnation: self.incarnation)
            },
            setPending: { line, _ in try self.state.withLock { try $0.setPending(line) } },
            mustStop: {
                let pause = self.state.withLock { $0.poll() }
                if let pause { return pause }
                for await isAsked in self.stop.stream {
                    return .init(isRequested: isAsked, incarnation: self.incarnation)
                }
                throw CancellationError()
            })
    }

    /// With something on the way there, which passes on what is appended, or doesn't.
    func endpoint(
        appending append:
            @escaping @Sendable (ByteBuffer, Offset, Incarnation?) async throws -> ProducerEndpoint.Appended
    ) -> ProducerEndpoint {
        let endpoint = endpoint
        return ProducerEndpoint(append: append, setPending: endpoint.setPending, mustStop: endpoint.mustStop)
    }

    private func append(_ events: ByteBuffer, _ head: Offset, _ incarnation: Incarnation?) throws -> Offset {
        try state.withLock { state in
            state.requests.append((head, events.readableBytes))
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            let current = Offset(UInt64(state.lines.count))
            if let restoration = incarnation.flatMap({ state.history?.restoration(since: $0) }) {
                let code = Problem.Code.otherIncarnation
                throw APIError(
                    status: code.status, code: code.rawValue, detail: "no", head: current, restoration: restoration)
            }
            func refuse(_ code: Problem.Code) -> APIError {
                APIError(status: code.status, code: code.rawValue, detail: "no", head: current)
            }
            if events.readableBytes > bodyLimit {
                throw isForeign ? APIError(status: 413, code: "http_413", detail: "no") : refuse(.bodyTooLarge)
            }
            guard (try? AppendBody(ndjson: events, after: head)) != nil else { throw refuse(.invalidEvent) }
            guard head <= current else { throw refuse(.outOfOrder) }
            let sent = String(buffer: events).split(separator: "\n").map(String.init)
            for (held, line) in zip(state.lines.dropFirst(Int(head.rawValue)), sent) where held != line {
                throw refuse(isEnd(state.lines[state.lines.count - 1]) ? .ended : .differentContent)
            }
            let new = sent.dropFirst(current.distance(from: head))
            guard !new.isEmpty else {
                state.lines += state.late
                state.late = []
                return current
            }
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
