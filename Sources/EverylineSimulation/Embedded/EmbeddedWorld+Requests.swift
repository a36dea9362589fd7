import Everyline
import EverylineProducer
import NIOCore

// The way from the producer to its server, and what goes wrong on it.
extension EmbeddedWorld {
    /// A producer's append sets out.
    func send(
        _ body: ByteBuffer, after: Offset, in incarnation: Incarnation?, _ wait: Int, of life: ProducerLife
    ) {
        let number = producer.requests.count
        producer.requests.append(.init(life: life, wait: wait, body: body, after: after, incarnation: incarnation))
        world.tell("producer \(life.number) sends \(body.readableBytes) bytes after \(after), request \(number)")
        if world.injects(.appendTooEarly, 50) { appendStray(after: after.advanced(by: 50)) }
        if world.injects(.foreignAnswer, 50) { return answer(number, foreignAnswer(), after: latency()) }
        if let head = foreignHead(to: body, after: after) {
            return schedule(.answer(request: number, .success(.init(head: head))), after: latency())
        }
        if body.readableBytes > producer.bodyLimit {
            world.note(body.lines == 1 ? .lineRefused : .bodyRefused)
            return answer(number, APIError(status: 413, code: "http_413", detail: "a proxy"), after: latency())
        }
        if world.injects(.requestCut, 40) {
            return answer(number, ClientError.unreachable("the connection broke"), after: latency())
        }
        let isOver = world.faults.isOver
        var transfer = latency() + Int64(isOver ? 0 : body.readableBytes * 1000 / producer.rate)
        if world.injects(.requestLate, 55) {
            answer(number, ClientError.timedOut, after: transfer)
            transfer += Int64(world.random.within(1...20_000))
        }
        schedule(.arriveAtServer(request: number), after: transfer)
    }

    /// What a proxy, a sign-in page, or another program on the port says.
    func foreignAnswer() -> any Error {
        let statuses = [301, 302, 400, 401, 403, 404, 405, 409, 413, 500, 501, 502, 504, 511, 520]
        guard world.random.chance(800) else { return ClientError.unexpectedAnswer("<html>") }
        let status = statuses[world.random.below(statuses.count)]
        return APIError(status: status, code: "http_\(status)", detail: "<html>")
    }

    /// What something else says that doesn't name the execution: that the log has events which it doesn't have. It
    /// comes once: the question for those gets to the server.
    private func foreignHead(to body: ByteBuffer, after: Offset) -> Offset? {
        let head = executions[0].head.log.offset
        let isQuestion = body.readableBytes == 0 && after > head
        if isQuestion, world.mutation == .foreignHeads { return after }
        guard !isQuestion, world.injects(.foreignHead, 30) else { return nil }
        return max(head, after.advanced(by: body.lines)).advanced(by: world.random.within(1...9))
    }

    func answer(_ request: Int, _ error: any Error, after delay: Int64) {
        schedule(.answer(request: request, .failure(error)), after: delay)
    }

    func arriveAtServer(_ number: Int) {
        let request = producer.requests[number]
        guard let server else { return answer(number, ClientError.unreachable("no server"), after: latency()) }
        producer.requests[number].isAtServer = true
        let body: AppendBody
        do {
            body = try AppendBody(ndjson: request.body, after: request.after)
        } catch {
            return answer(number, APIError(.invalidEvent, "\(error)"), after: latency())
        }
        append(body, after: request.after, in: request.incarnation, number, to: server)
    }

    /// A second client with the token appends where the log is not yet: that must not be taken.
    private func appendStray(after: Offset) {
        guard let server else { return }
        var encoder = BlockEncoder(after: after)
        encoder.appendLine(LogLine(message: "stray"), timestamp: world.time)
        append(AppendBody(block: encoder.finish(), hasLines: true), after: after, in: nil, -1, to: server)
    }

    private func append(
        _ body: AppendBody, after: Offset, in incarnation: Incarnation?, _ request: Int, to server: SimulatedServer
    ) {
        let (writer, board, id) = (server.writer, board, executions[0].id)
        let task = Task(executorPreference: executor) {
            do {
                let appended = try await writer.append(body, to: id, after: after, in: incarnation)
                board.say(.answered(request: request, .success(appended)))
            } catch {
                board.say(.answered(request: request, .failure(error as? LogStoreError ?? .unavailable("gone"))))
            }
        }
        self.server?.tasks.append(task)
    }

    /// The server answers an append.
    func answered(_ number: Int, _ result: Result<Appended, LogStoreError>) {
        guard number >= 0 else { return }
        producer.requests[number].isAtServer = false
        if case .success(let appended) = result {
            let durable = executions[0].head.log
            world.require(
                appended.head.offset <= durable.offset, .durableBeforeVisible,
                "\(appended.head.offset) was acknowledged, and the log is at \(durable.offset)")
        }
        if world.injects(.answerLost, 60) {
            return answer(number, ClientError.unreachable("the answer was lost"), after: latency())
        }
        let incarnation = history.current
        let answer = result.map {
            ProducerEndpoint.Appended(
                head: $0.head.offset, isStopRequested: $0.isStopRequested, incarnation: incarnation)
        }
        schedule(.answer(request: number, answer.mapError { APIError($0) }), after: latency())
    }

    /// The answer reaches the producer, if it still waits for one.
    func take(_ result: Result<ProducerEndpoint.Appended, any Error>, for number: Int) {
        let request = producer.requests[number]
        let answer = result.flatMapError { mutated($0, of: request) }
        request.life.board.answer(request.wait, answer.map { .appended($0) })
        executor.run()
        checkAcknowledgement()
    }

    /// A failure as a producer takes it that has a mechanism switched off.
    private func mutated(
        _ error: any Error, of request: SimulatedProducer.Request
    ) -> Result<ProducerEndpoint.Appended, any Error> {
        switch error {
        case let error as APIError where error.isForeign && world.mutation == .foreignAnswers:
            return .failure(APIError(.unknownExecution, "taken for the server's word"))
        case is ClientError where world.mutation == .acknowledgement:
            return .success(.init(head: request.after.advanced(by: request.body.lines)))
        default:
            return .failure(error)
        }
    }

    /// A spool drops what is in the log, and nothing else.
    private func checkAcknowledgement() {
        guard let (delivered, incarnation) = producer.spool?.deliveredPlace, incarnation == history.current,
            delivered > executions[0].head.log.offset
        else { return }
        world.require(
            notices().contains { $0 == .logFull || $0 == .linesLost }, .durableBeforeVisible,
            "a spool drops up to \(delivered), and the log is at \(executions[0].head.log.offset)")
    }

    /// The server is gone: no request that it had is answered.
    func producerLost() {
        for number in producer.requests.indices where producer.requests[number].isAtServer {
            producer.requests[number].isAtServer = false
            answer(number, ClientError.unreachable("the server is gone"), after: latency())
        }
        for control in controls { reply(.failure(ClientError.unreachable("the server is gone")), to: control) }
        controls.removeAll()
    }

    // MARK: Stops

    /// The producer asks whether it should stop: answered when it should, or after a while.
    func control(_ wait: Int, of life: ProducerLife) {
        let control = Control(life: life, wait: wait)
        guard server != nil else { return reply(.failure(ClientError.unreachable("no server")), to: control) }
        if world.injects(.foreignAnswer, 50) { return reply(.failure(foreignAnswer()), to: control) }
        controls.append(control)
        if producer.isStopRequested { return answerControl() }
        schedule(.endControl(control), after: 20_000)
    }

    func endControl(_ control: Control) {
        guard let index = controls.firstIndex(where: { $0.life === control.life && $0.wait == control.wait }) else {
            return
        }
        controls.remove(at: index)
        reply(.success(.mustStop(producer.isStopRequested, in: history.current)), to: control)
    }

    func answerControl() {
        for control in controls { reply(.success(.mustStop(true, in: history.current)), to: control) }
        controls.removeAll()
    }

    private func reply(_ result: Result<ProducerBoard.Reply, any Error>, to control: Control) {
        schedule(.controlled(control, result), after: latency())
    }

    // MARK: Others

    /// The server itself ends the log, as it does for a runner that it gives up.
    func endFromOutside() {
        guard !executions[0].isEnded else { return }
        guard let server else { return schedule(.endFromOutside, after: 1000) }
        world.tell("the server ends the log")
        isEndedFromOutside = true
        let (writer, board, id) = (server.writer, board, executions[0].id)
        let outcome = ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
        let task = Task(executorPreference: executor) {
            do {
                board.say(.ended(.success(try await writer.end(id, outcome))))
            } catch {
                board.say(.ended(.failure(error as? LogStoreError ?? .unavailable("gone"))))
            }
        }
        self.server?.tasks.append(task)
    }
}

extension APIError {
    init(_ code: Problem.Code, _ detail: String, head: Offset? = nil, restoration: Restoration? = nil) {
        self.init(
            status: code.status, code: code.rawValue, detail: detail, head: head, restoration: restoration)
    }

    /// As the server's `Problems` translate it.
    fileprivate init(_ error: LogStoreError) {
        switch error {
        case .unknownExecution: self.init(.unknownExecution, "unknown")
        case .otherIncarnation(let restoration, let head):
            self.init(.otherIncarnation, "restored", head: head, restoration: restoration)
        case .ended(let head): self.init(.ended, "ended", head: head)
        case .differentContent(let head): self.init(.differentContent, "different content", head: head)
        case .outOfOrder(let head): self.init(.outOfOrder, "out of order", head: head)
        case .logFull(let head): self.init(.logFull, "full", head: head)
        case .noSpace: self.init(.noSpace, "no space")
        case .damaged(let what): self.init(.dataDamaged, what)
        case .unavailable(let reason): self.init(.unavailable, reason)
        }
    }
}

extension ByteBuffer {
    fileprivate var lines: Int { readableBytesView.count { $0 == UInt8(ascii: "\n") } }
}
