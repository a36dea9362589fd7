import Everyline
import EverylineProducer
import NIOCore

/// A producer's word of the line that has no newline yet, on its way.
struct PendingRequest: Sendable {
    let producer: ProducerBoard
    let wait: Int
    let line: PendingLine
    let incarnation: Incarnation?
}

// The line that has no newline yet, from the producer to its server; and what viewers are shown of it.
extension EmbeddedWorld {
    func sendPending(_ request: PendingRequest) {
        world.tell("the producer holds “\(request.line.message)” behind \(request.line.after)")
        if world.injects(.requestCut, 40) {
            return schedule(
                .pendingAnswered(request, ClientError.unreachable("the connection broke")), after: latency())
        }
        if world.injects(.foreignAnswer, 20) {
            return schedule(.pendingAnswered(request, foreignAnswer()), after: latency())
        }
        var way = latency()
        if world.injects(.requestLate, 55) {
            schedule(.pendingAnswered(request, ClientError.timedOut), after: way)
            way += Int64(world.random.within(1...20_000))
        }
        schedule(.pendingArrives(request), after: way)
    }

    func pendingArrives(_ request: PendingRequest) {
        guard let server else {
            return schedule(.pendingAnswered(request, ClientError.unreachable("no server")), after: latency())
        }
        if let restoration = request.incarnation.flatMap(history.restoration) {
            let refusal = APIError(.otherIncarnation, "restored", restoration: restoration)
            return schedule(.pendingAnswered(request, refusal), after: latency())
        }
        var line = request.line
        if world.mutation == .pendingPlace {
            line = PendingLine(after: executions[0].head.log.offset, message: line.message, stream: line.stream)
        }
        let (feed, board, id) = (server.feed, board, executions[0].id)
        let store = BoardLogStore(board: board, server: server.number, stream: -1)
        let place = line
        let task = Task(executorPreference: executor) {
            do {
                let head = try await feed.takePending(
                    place, of: id, in: store, now: { board.now }, sleep: { try await store.sleep(for: $0) })
                board.say(.pendingTaken(request, .success(head)))
            } catch {
                board.say(.pendingTaken(request, .failure(error as? LogStoreError ?? .unavailable("gone"))))
            }
        }
        self.server?.tasks.append(task)
    }

    func pendingTaken(_ request: PendingRequest, _ result: Result<LogHead, LogStoreError>) {
        switch result {
        case .success: schedule(.pendingAnswered(request, nil), after: latency())
        case .failure(let error): schedule(.pendingAnswered(request, error), after: latency())
        }
    }

    /// What a viewer was shown behind an event is how the next one begins, if that is a line of the same stream.
    func checkPendingLines() {
        let events = executions[0].events
        for (number, viewer) in viewers.enumerated() {
            for shown in viewer.pending where !shown.message.isEmpty {
                guard let next = events.first(where: { $0.offset == shown.after.next }),
                    case .line(let line) = next.content, line.stream == shown.stream
                else { continue }
                let (began, became) = (Array(shown.message.utf8), Array(line.message.utf8))
                // Of a line that is about to be cut, a little more may be known than its part holds.
                world.require(
                    became.starts(with: began) || (line.isPartial && began.starts(with: became)), .honest,
                    "viewer \(number) was shown “\(shown.message)” behind \(shown.after), and “\(line.message)” came")
            }
        }
    }
}
