import Everyline
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// A command's standard input: its owner writes it, and its runner reads it.
struct InputRoutes {
    let core: ServerCore
    let authenticator: Authenticator
    let producers: ProducerPresence
    let limits: ServerConfiguration.Limits
    /// Whether a request can wait here for what another one brings.
    let isSupported: Bool

    /// How much one answer to a runner holds.
    static let portion: ByteCount = .kibibytes(128)

    private var inputs: Inputs { core.resources.inputs }

    func add(to router: Router<EverylineContext>) {
        router.post(RouterPath(APIPath.anyExecution(.input)), use: write)
        router.read(RouterPath(APIPath.anyExecution(.input)), use: read)
    }

    /// Takes what the body holds behind the place `after`, as far as there is room, and answers how far the server and
    /// the runner are. It waits while there is nothing that it could take, and where the body is empty, until the
    /// runner has everything; but not for long.
    @Sendable func write(_ request: Request, context: EverylineContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request, may: .run)
        let id = try context.executionID()
        let execution = try await core.executions.execution(id)
        guard principal.may(.writeInput(owner: execution.owner)) else {
            throw ProblemError(.forbidden, "Only its owner may write to a command's input.")
        }
        try requireSupport()
        guard !execution.status.isTerminal else { throw AppendRoutes.ended(execution, execution.head) }
        let query = Query(request)
        try query.allow(only: ["after"])
        let after = try place(query)
        let type = request.headers[.contentType].map { $0.prefix { $0 != ";" }.lowercased() }
        guard type == nil || type == APIHeader.ndjson else {
            throw ProblemError(.unsupportedMediaType, "Send \(APIHeader.ndjson).")
        }
        let body = try await RequestBytes(
            request, context, core.resources, limit: limits.requestBody, within: limits.bodyTime)
        defer { withExtendedLifetime(body) {} }
        let lines = try await parse(body.bytes)
        let hasBytes = lines.contains(where: \.hasBytes)
        return try await waiting(on: id) { isOver in
            guard let (buffer, isNew) = try written(lines, after, to: id) else {
                guard isOver else { return nil }
                throw ProblemError(
                    .noInput,
                    "No runner has asked for this input: its command was started without one, or isn't started yet.")
            }
            let isSettled = buffer.received == buffer.taken && !buffer.isEnded
            let isAnswer = isNew || buffer.isClosed || buffer.received != after || !hasBytes && isSettled
            return isAnswer || isOver ? try .json(InputResponse(buffer)) : nil
        }
    }

    private func written(
        _ lines: [InputLine], _ after: UInt64, to id: ExecutionID
    ) throws -> (buffer: InputBuffer, isNew: Bool)? {
        do {
            return try inputs.write(lines, after: after, to: id)
        } catch is Inputs.Different {
            throw ProblemError(
                .differentContent,
                "Other bytes wait at this place: another client writes to the command's input. None of these was taken."
            )
        }
    }

    /// Learns that the runner has everything before the place `after`, and answers what follows it: at once if there is
    /// anything, else when there is, or after a while with nothing.
    @Sendable func read(_ request: Request, context: EverylineContext) async throws -> Response {
        let id = try context.executionID()
        try await authenticator.producer(of: request, for: id)
        try requireSupport()
        let query = Query(request)
        try query.allow(only: ["after", "columns", "rows", "closed"])
        let (after, isClosed) = (try place(query), try query.flag("closed"))
        var size: TerminalSize?
        if let columns = try query.count("columns", maximum: TerminalSize.longest),
            let rows = try query.count("rows", maximum: TerminalSize.longest)
        {
            size = TerminalSize(columns: columns, rows: rows)
        }
        let presence = producers.enter(id)
        defer { presence.leave() }
        inputs.take(through: after, isClosed: isClosed, of: id)
        // Behind it, so that nothing is kept for an execution whose end has been.
        try await requireUnended(id)
        return try await waiting(on: id) { isOver in
            let lines = inputs.lines(after: after, size: size, limit: Self.portion, of: id)
            guard !lines.isEmpty || isClosed || isOver else { return nil }
            return Response(
                status: .ok, headers: [.contentType: APIHeader.ndjson, .cacheControl: "no-store"],
                body: .init(byteBuffer: InputLine.body(lines)))
        }
    }

    /// Asks again whenever the execution's input changes.
    ///
    /// - Parameter answer: gives `nil` as long as there is none; it is asked for the last time after a while, or when
    ///   the server is about to stop.
    private func waiting(
        on id: ExecutionID, _ answer: (_ isOver: Bool) throws -> Response?
    ) async throws -> Response {
        let subscription = inputs.changes.subscribe(to: id)
        let deadline = ContinuousClock.now + limits.control
        var isOver = false
        while true {
            let version = subscription.version
            if let response = try answer(isOver || ContinuousClock.now >= deadline) { return response }
            do {
                _ = try await withGracefulShutdownHandler {
                    try await subscription.wait(past: version)
                } onGracefulShutdown: {
                    subscription.end()
                }
            } catch is CancellationError {
                isOver = true
            }
            try await requireUnended(id)
        }
    }

    /// - Throws: `execution_ended`; its input is forgotten then.
    private func requireUnended(_ id: ExecutionID) async throws {
        let execution = try await core.executions.execution(id)
        guard execution.status.isTerminal else { return }
        inputs.forget(id)
        throw AppendRoutes.ended(execution, execution.head)
    }

    private func requireSupport() throws {
        guard isSupported else { throw ProblemError(.notSupported, "Commands run here without an input.") }
    }

    private func place(_ query: Query) throws -> UInt64 {
        guard let text = try query.single("after"), let place = Offset(decimal: text) else {
            throw ProblemError(
                .invalidCursor, "Say after=BYTES: how many bytes of input there were before; 0 at first.")
        }
        return place.rawValue
    }

    /// Parses small bodies where they arrived, and large ones by the workers.
    private func parse(_ bytes: ByteBuffer) async throws -> [InputLine] {
        guard bytes.readableBytes > AppendRoutes.parsedAtOnce else { return try Self.parse(bytes) }
        return try await core.resources.workers.run { try Self.parse(bytes) }
    }

    private static func parse(_ bytes: ByteBuffer) throws -> [InputLine] {
        do throws(InputLine.Invalid) {
            return try InputLine.parse(bytes)
        } catch {
            throw ProblemError(.invalidRequest, "Line \(error.line) of the body is no line of input.")
        }
    }
}
