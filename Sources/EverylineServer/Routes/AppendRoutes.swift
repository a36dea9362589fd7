import Everyline
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import ServiceLifecycle

/// What a producer does: append, say what it holds of a line, and ask whether it should stop.
struct AppendRoutes {
    let core: ServerCore
    let authenticator: Authenticator
    let producers: ProducerPresence
    let metrics: ServerMetrics
    let limits: ServerConfiguration.Limits
    /// Whether there are viewers here who could be shown a line that isn't in the log.
    let showsPending: Bool

    func add(to router: Router<EverylineContext>) {
        router.post(RouterPath(Self.eventsPath), use: append)
        router.put(RouterPath(APIPath.anyExecution(.pending)), use: pending)
        router.read(RouterPath(APIPath.anyExecution(.control)), use: control)
    }

    @Sendable func append(_ request: Request, context: EverylineContext) async throws -> Response {
        let id = try context.executionID()
        try await authenticator.producer(of: request, for: id)
        producers.heard(id)
        let (head, incarnation, mayCut) = try Query(request).appendPlace()
        let received = try await RequestBytes(
            request, context, core.resources, limit: limits.appendBody, within: limits.bodyTime)
        // What is made of it waits to be written, and counts until then.
        defer { withExtendedLifetime(received) {} }
        let body = try await parse(received.bytes, type: request.headers[.contentType], after: head, mayCut)
        let appended: Appended
        let start = ContinuousClock.now
        do {
            appended = try await core.writer.append(body, to: id, after: head, in: incarnation)
        } catch LogStoreError.ended(let head) {
            forget(id)
            throw Self.ended(try await core.executions.execution(id), head)
        }
        if appended.isStopRequested { try await noteStopHeard(by: id) }
        return Response(
            status: .ok, headers: Response.jsonHeaders, body: .init(byteBuffer: taken(appended, from: id, since: start))
        )
    }

    /// Notes an append that was taken, and says what its producer is told.
    private func taken(_ appended: Appended, from id: ExecutionID, since start: ContinuousClock.Instant) -> ByteBuffer {
        if appended.head.isEnded { forget(id) }
        metrics.appendTimes.observe(.now - start)
        if let block = appended.block { metrics.countAppend(events: block.count, bytes: block.bytes.readableBytes) }
        return AppendResponse(
            of: id, head: appended.head.offset.rawValue, stopRequested: appended.isStopRequested,
            incarnation: core.log.incarnation
        ).json
    }

    static let eventsPath = APIPath.anyExecution(.events)

    /// Does what ``append(_:context:)`` does, without a task, with a small request that is there as a whole and of a
    /// producer that is known. Whatever is wrong with any other, or with this one, the route finds it and says so: an
    /// append may always be tried again.
    ///
    /// - Parameter answer: is called once, from any thread: with the answer's body, or with `nil` if the route must
    ///   decide.
    /// - Returns: whether `answer` will be called. If not, nothing was done.
    func appendAtOnce(
        _ request: HTTPRequest, _ bytes: ByteBuffer, answer: @escaping @Sendable (ByteBuffer?) -> Void
    ) -> Bool {
        let uri = URI(request.path ?? "")
        guard let id = APIPath.execution(in: uri.path, before: .events),
            authenticator.isKnownProducer(request.headerFields, of: id), producers.hearsAll,
            let memory = core.resources.bodies.leaseAtOnce(bytes.readableBytes),
            let (head, incarnation, mayCut) = try? Query(uri.queryParameters.map { ($0.key, $0.value) }).appendPlace(),
            let body = try? parseNow(bytes, type: request.headerFields[.contentType], after: head, mayCut)
        else { return false }
        producers.heard(id)
        let start = ContinuousClock.now
        let append = LogAppend(body, to: id, after: head, in: incarnation)
        core.writer.append(append) { result in
            withExtendedLifetime(memory) {}
            guard case .success(let appended) = result else { return answer(nil) }
            answer(taken(appended, from: id, since: start))
        }
        return true
    }

    /// Takes the line that has no newline yet, and answers once its viewers may see it: an execution's lines are shown
    /// at a pace.
    @Sendable func pending(_ request: Request, context: EverylineContext) async throws -> Response {
        let id = try context.executionID()
        try await authenticator.producer(of: request, for: id)
        producers.heard(id)
        guard showsPending else {
            throw ProblemError(.notSupported, "This server shows whole lines only; send no pending ones.")
        }
        let body = try await JSONBody(
            request, context, core.resources, limit: Self.pendingBody, within: limits.bodyTime)
        let line = try body.decode(PendingLine.self, fields: PendingLine.fields)
        guard line.message.utf8.count <= PendingLine.limit, !line.message.utf8.contains(UInt8(ascii: "\n")) else {
            throw ProblemError(
                .invalidRequest,
                "message may have \(PendingLine.limit) bytes of UTF-8 at the most, and no newline: send the line's end."
            )
        }
        try await core.log.require(Query(request).incarnation(), of: id)
        let head = try await core.feed.takePending(line, of: id, in: core.log, now: { .now }) { time in
            try await context.sleep(for: time)
        }
        if head.isEnded {
            forget(id)
            throw Self.ended(try await core.executions.execution(id), head.offset)
        }
        return Response(status: .noContent)
    }

    /// A message of control characters takes six bytes for each.
    private static let pendingBody: ByteCount = PendingLine.limit * 6 + 1024

    /// Forgets what is known of the producer of an execution that has ended.
    private func forget(_ id: ExecutionID) {
        producers.forget(id)
        core.resources.inputs.forget(id)
    }

    /// What a producer is told that comes too late: how the log ended, for it may not have been by its own word.
    static func ended(_ execution: Execution, _ head: Offset) -> ProblemError {
        let reason = execution.reason.map { ", \($0.rawValue)" } ?? ""
        return ProblemError(
            .ended, "The log ended with event \(head) (\(execution.status.rawValue)\(reason)); nothing can follow it.",
            head: head)
    }

    /// Answers when a stop has been requested; or after a while, or when the server is about to stop, that none has.
    /// Where no question may wait, each is answered at once, with the time after which the producer should ask again.
    @Sendable func control(_ request: Request, context: EverylineContext) async throws -> Response {
        let id = try context.executionID()
        try await authenticator.producer(of: request, for: id)
        let presence = producers.enter(id)
        defer { presence.leave() }
        let subscription = core.stopRequests.subscribe(to: id)
        let timer = context.schedule(after: limits.control) { subscription.end() }
        defer { timer?.cancel() }
        var isOver = timer == nil
        while true {
            let version = subscription.version
            let execution = try await core.executions.execution(id)
            let mustStop = execution.stopRequestedAt != nil
            if execution.status.isTerminal {
                forget(id)
                // Whose log was ended without a stop may run on.
                guard mustStop else { throw Self.ended(execution, execution.head) }
            }
            if mustStop || isOver || limits.controlPoll != nil {
                if execution.status == .terminating { try await noteStopHeard(by: id) }
                return try .json(
                    ControlResponse(
                        of: id, stopRequested: mustStop, status: execution.status.rawValue,
                        pollAfterSeconds: mustStop ? nil : limits.controlPoll, incarnation: core.log.incarnation))
            }
            do {
                _ = try await withGracefulShutdownHandler {
                    try await subscription.wait(past: version)
                } onGracefulShutdown: {
                    subscription.end()
                }
            } catch is CancellationError {
                isOver = true
            }
        }
    }

    /// Notes that the producer of an execution that is to stop is there, where no process hears it all the time.
    /// Nothing is written while no client has requested a stop.
    private func noteStopHeard(by id: ExecutionID) async throws {
        guard !producers.hearsAll else { return }
        try await core.executions.noteProducers([id: core.now()])
    }

    /// Parses small bodies where they arrived, and large ones by the workers, so that the connections of this one don't
    /// wait.
    private func parse(
        _ bytes: ByteBuffer, type: String?, after head: Offset, _ mayCut: Bool
    ) async throws -> AppendBody {
        guard bytes.readableBytes > Self.parsedAtOnce else {
            return try parseNow(bytes, type: type, after: head, mayCut)
        }
        return try await core.resources.workers.run { try parseNow(bytes, type: type, after: head, mayCut) }
    }

    /// Larger bodies would hold up the connections of this one.
    static let parsedAtOnce: ByteCount = .kibibytes(64)

    private func parseNow(
        _ bytes: ByteBuffer, type: String?, after head: Offset, _ mayCut: Bool
    ) throws -> AppendBody {
        let type = type.map { $0 == APIHeader.ndjson ? $0 : $0.prefix { $0 != ";" }.lowercased() }
        guard head.distance(from: .zero) <= Int.max - bytes.readableBytes - 1 else {
            throw ProblemError(.outOfOrder, "No log is that long.")
        }
        switch type {
        case APIHeader.ndjson, nil:
            do {
                return try AppendBody(ndjson: bytes, after: head, lineLimit: limits.line, mayCut: mayCut)
            } catch let error as LineTooLong {
                throw ProblemError(.bodyTooLarge, "A line may have \(error.limit) bytes. Send it in parts.")
            }
        case "text/plain":
            do throws(TooManyLines) {
                return try AppendBody(text: bytes, after: head, at: core.now(), lineLimit: limits.line)
            } catch {
                throw ProblemError(
                    .bodyTooLarge,
                    "The body's lines take more than \(AppendBody.eventsLimit) bytes as events. Send fewer at once.")
            }
        default:
            throw ProblemError(.unsupportedMediaType, "Send \(APIHeader.ndjson) or text/plain.")
        }
    }
}

extension Query {
    /// Where a body's events are to stand.
    ///
    /// - Returns: also whether the server may cut lines: not for a producer that counts offsets along.
    fileprivate func appendPlace() throws -> (after: Offset, in: Incarnation?, mayCut: Bool) {
        let incarnation = try incarnation()
        let cut = try single("cut")
        guard cut == nil || cut == "false" else { throw ProblemError(.invalidRequest, "cut is false, or isn't there.") }
        guard let text = try single("after"), let head = Offset(decimal: text) else {
            throw ProblemError(
                .invalidCursor, "Say after=HEAD: the offset of the event that the body follows; 0 at first.")
        }
        return (head, incarnation, cut == nil)
    }
}

extension AppendResponse {
    /// As `JSONEncoder` writes it, without what that takes: none of it has to be escaped.
    var json: ByteBuffer {
        let execution = executionID.map { "\"execution_id\":\"\($0)\"," } ?? ""
        let incarnation = incarnation.map { "\"incarnation\":\"\($0)\"," } ?? ""
        return ByteBuffer(string: "{\(execution)\"head\":\(head),\(incarnation)\"stop_requested\":\(stopRequested)}")
    }
}
