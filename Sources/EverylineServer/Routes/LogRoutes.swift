import Everyline
import HTTPTypes
import Hummingbird
import NIOCore

/// The logs endpoint: an ended log itself, or where to follow one that goes on; and a log's blocks, which may be read
/// at any time.
struct LogRoutes {
    let core: ServerCore
    let authenticator: Authenticator
    let publicURLs: PublicURLs
    let limits: ServerConfiguration.Limits

    func add(to router: Router<EverylineContext>) {
        router.read(RouterPath(APIPath.anyExecution(.logs)), use: logs)
        router.read(RouterPath(APIPath.anyExecution(.block)), use: block)
    }

    @Sendable func logs(_ request: Request, context: EverylineContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request, may: .read)
        let id = try context.executionID()
        let part = try Part(request, limits: limits)
        let execution = try await core.executions.execution(id)
        try await core.log.require(part.incarnation, of: id)
        let after = try await part.start.offset(in: id, of: core.log)
        guard execution.status.isTerminal else {
            return try await location(of: execution, start: part.start, after: after, for: principal, request)
        }
        let (range, isCut) = try await range(of: id, after: after, count: part.count, through: execution.head)
        // A client that asks for all of it must not take a part for it.
        guard !isCut || part.followsParts else {
            throw ProblemError(
                .notSupported,
                "This log is larger than one answer here may be. Ask for parts with limit=N, and go on with after= the last offset."
            )
        }
        switch Accepted(request.headers[.accept]) {
        case .json: return page(range, of: execution, context)
        case .download(let form):
            let isWhole = form == .ndjson && after == .zero && range.through == execution.head
            return try await download(
                range, as: form, length: isWhole ? execution.logBytes : nil, isCut: isCut, for: request, context)
        }
    }

    /// The events that there are after an offset, whether more will follow or not; none is an answer as well. The next
    /// block begins after its last event, so nothing that comes between two requests can be missed.
    @Sendable func block(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .read)
        let id = try context.executionID()
        let part = try Part(request, limits: limits, isBlock: true)
        try await core.log.require(part.incarnation, of: id)
        let after = try await part.start.offset(in: id, of: core.log)
        let head = try await core.log.head(of: id).offset
        let (range, isCut) = try await range(of: id, after: after, count: part.count, through: head)
        return try await download(
            range, as: .ndjson, onlyEscapes: part.onlyEscapes, length: nil, isCut: isCut, for: request, context)
    }

    private func range(
        of id: ExecutionID, after: Offset, count: Int?, through head: Offset
    ) async throws -> (range: LogRange, isCut: Bool) {
        let through = count.map { min(head, after.advanced(by: $0)) } ?? head
        let range = LogRange(execution: id, after: after, through: through, log: core.log, limit: limits.read)
        // What is damaged is said before the answer begins.
        if after < through { _ = try await core.log.read(id, after: after, limit: 1) }
        guard let bytes = limits.logAnswer else { return (range, false) }
        let part = try await range.prefix(limit: bytes)
        return (part, part.through < through)
    }

    private func download(
        _ range: LogRange, as form: LogFile.Form, onlyEscapes: Bool = false, length: Int?, isCut: Bool,
        for request: Request, _ context: EverylineContext
    ) async throws -> Response {
        let download = LogFile(
            range: range, form: form, onlyEscapes: onlyEscapes, knownLength: length, resources: core.resources,
            context: context)
        var response = try await download.response(to: request)
        response.headers[.incarnation] = core.log.incarnation?.rawValue
        if isCut { response.headers[.nextAfter] = range.through.description }
        return response
    }

    private func location(
        of execution: Execution, start: StreamStart, after offset: Offset, for principal: Principal, _ request: Request
    ) async throws -> Response {
        let token = try await StreamTokens(access: core.access, now: core.now, lifetime: limits.streamToken)
            .issue(for: execution.id, to: principal, start: start, in: core.log.incarnation)
        return try .json(
            LogLocation(
                executionID: execution.id.rawValue, status: execution.status.rawValue,
                websocketURL: publicURLs.webSocket(of: execution.id, token: token, after: offset, for: request),
                streamURL: publicURLs.events(of: execution.id, token: token, for: request),
                incarnation: core.log.incarnation))
    }

    /// The events in one JSON document, written as it is read.
    private func page(_ range: LogRange, of execution: Execution, _ context: EverylineContext) -> Response {
        // The end isn't among the events: status, exit_code and last_offset say what it says.
        let end = execution.head
        let lastLine = min(range.through, Offset(end.rawValue - 1))
        let lines = LogRange(
            execution: range.execution, after: range.after, through: max(lastLine, range.after), log: range.log,
            limit: range.limit)
        var opening = "{\"execution_id\":\"\(execution.id)\",\"status\":\"\(execution.status.rawValue)\""
        opening += ",\"exit_code\":\(execution.exitCode.map(String.init) ?? "null"),\"last_offset\":\(end)"
        if range.through < Offset(end.rawValue - 1) { opening += ",\"next_after\":\(range.through)" }
        if let incarnation = core.log.incarnation { opening += ",\"incarnation\":\"\(incarnation)\"" }
        opening += ",\"events\":["
        let paced = PacedBody(context: context, unread: core.resources.unread)
        let body = ResponseBody { [opening, workers = core.resources.workers] writer in
            try await writer.write(ByteBuffer(string: opening))
            try await lines.forEachBlock { block in
                let elements = try await workers.run { block.jsonElements(isFirst: block.predecessor == lines.after) }
                try await paced.write(elements, to: &writer)
                return true
            }
            try await writer.write(ByteBuffer(string: "]}\n"))
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "private, no-cache", .vary: "Accept",
                .lastOffset: range.through.description,
            ], body: body)
    }
}

/// What part of a log a request wants.
private struct Part {
    let start: StreamStart
    /// What the client knows is of this one.
    let incarnation: Incarnation?
    /// Of events; `nil` for all.
    let count: Int?
    /// Whether the client goes on where an answer says that it ends.
    let followsParts: Bool
    /// Of a block, whether events without escape sequences are left out.
    let onlyEscapes: Bool

    /// - Throws: `invalid_cursor` or `invalid_request`.
    init(_ request: Request, limits: ServerConfiguration.Limits, isBlock: Bool = false) throws {
        let query = Query(request)
        let names = ["after", "last_seen_timestamp", "limit", "parts", "incarnation"]
        try query.allow(only: isBlock ? names + ["escapes"] : names)
        start = try Cursor(query).start ?? .beginning
        incarnation = try query.incarnation()
        count = try query.count("limit", maximum: limits.logPage)
        followsParts = try query.flag("parts") || count != nil
        onlyEscapes = try query.flag("escapes")
    }
}

/// What a client wants of an ended log, by its `Accept` header.
private enum Accepted {
    case json
    case download(LogFile.Form)

    init(_ header: String?) {
        for item in header?.split(separator: ",") ?? [] {
            let type = item.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
            switch type {
            case APIHeader.ndjson:
                self = .download(.ndjson)
                return
            case "text/plain":
                self = .download(.text)
                return
            case "application/json", "*/*", "application/*":
                self = .json
                return
            default: continue
            }
        }
        self = .json
    }
}

extension EventBlock {
    /// The block's events as elements of a JSON array, each with an `event_id`.
    fileprivate func jsonElements(isFirst: Bool) -> ByteBuffer {
        var elements = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + count * 32)
        forEachLine { offset, line in
            if !isFirst || offset > first { elements.writeStaticString(",") }
            EventFields.writeIdentified(line, at: offset, into: &elements)
        }
        return elements
    }
}
