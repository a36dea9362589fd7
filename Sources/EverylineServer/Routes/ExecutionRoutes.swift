import Everyline
import HTTPTypes
import Hummingbird
import Logging

/// Starting, registering, listing, looking at and stopping executions.
struct ExecutionRoutes {
    let core: ServerCore
    let authenticator: Authenticator
    let abandoned: AbandonedExecutionReaper
    let publicURLs: PublicURLs
    let limits: ServerConfiguration.Limits

    func add(to router: Router<EverylineContext>) {
        router.post(RouterPath(APIPath.run), use: run)
        router.post(RouterPath(APIPath.executions), use: register)
        router.read(RouterPath(APIPath.executions), use: list)
        router.read(RouterPath(APIPath.anyExecution), use: show)
        router.read(RouterPath(APIPath.anyExecution(.status)), use: status)
        router.delete(RouterPath(APIPath.anyExecution), use: stop)
    }

    @Sendable func run(_ request: Request, context: EverylineContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request, may: .run)
        let body = try await JSONBody(
            request, context, core.resources, limit: limits.requestBody, within: limits.bodyTime)
        let order = try body.decode(RunRequest.self, fields: RunRequest.fields)
        try order.validate()
        try await core.engine.check(order)
        let created = try await create(
            order.command, at: core.engine.place(of: order), producer: .runner, for: principal, request: request,
            body: body)
        let startsAgain = created.isNew ? false : try await mayStartAgain(created.execution)
        if created.isNew || startsAgain {
            try await start(
                LaunchRequest(execution: created.execution.id, request: order, appendToken: created.token), context)
        }
        let execution = created.execution
        let token = try await StreamTokens(access: core.access, now: core.now, lifetime: limits.streamToken)
            .issue(for: execution.id, to: principal, in: core.log.incarnation)
        let answer = RunResponse(
            executionID: execution.id.rawValue, status: execution.status.rawValue,
            websocketURL: publicURLs.webSocket(of: execution.id, token: token, for: request),
            logURL: publicURLs.http(APIPath.execution(execution.id, .logs), for: request),
            incarnation: core.log.incarnation)
        return try .json(answer, status: .accepted)
    }

    @Sendable func register(_ request: Request, context: EverylineContext) async throws -> Response {
        let principal = try await authenticator.principal(of: request, may: .run)
        let body = try await JSONBody(
            request, context, core.resources, limit: limits.requestBody, within: limits.bodyTime)
        let registration = try body.decode(RegisterRequest.self, fields: RegisterRequest.fields)
        try registration.validate()
        let created = try await create(
            registration.command, at: registration.place, producer: .external, for: principal, request: request,
            body: body)
        let known = created.isNew ? created.token.hash : try await authenticator.appendToken(of: created.execution.id)
        guard known == created.token.hash else {
            // Another API key of the same user has asked then. Of that token only the hash was kept.
            throw ProblemError(
                .idempotencyKeyReused, "The execution \(created.execution.id) was registered with this key before.")
        }
        let answer = RegisterResponse(
            executionID: created.execution.id.rawValue, appendToken: created.token.value, lineLimit: limits.line,
            endFields: ResourceUsage.fields, incarnation: core.log.incarnation)
        return try .json(answer, status: .created)
    }

    @Sendable func list(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .read)
        let query = Query(request)
        try query.allow(only: ["status", "limit", "cursor"])
        let limit = try query.count("limit", maximum: limits.listPage) ?? 100
        var statuses: Set<ExecutionStatus> = []
        for word in try query.single("status")?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            guard let status = ExecutionStatus(rawValue: String(word)) else {
                let known = ExecutionStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw ProblemError(.invalidRequest, "status must be one or more of \(known), with commas.")
            }
            statuses.insert(status)
        }
        var after: ExecutionID?
        if let cursor = try query.single("cursor") {
            guard let id = ExecutionID(cursor) else { throw ProblemError(.invalidCursor, "The cursor is not valid.") }
            after = id
        }
        let list = ExecutionList(core: core, bytes: limits.listBytes)
        return try await list.response(
            to: request, context, ExecutionQuery(statuses: statuses, limit: limit, after: after))
    }

    @Sendable func show(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .read)
        let incarnation = try Query(request).incarnation()
        let execution = try await core.executions.execution(context.executionID())
        try await core.log.require(incarnation, of: execution.id)
        var view = ExecutionView(execution)
        let place = execution.place
        (view.host, view.hostUser) = (place.host, place.user)
        (view.workingDirectory, view.terminal) = (place.directory, place.terminal)
        view.pending = core.feed.pending(of: execution.id, after: execution.head)
        let usage = try await usage(of: execution)
        (view.cpuMilliseconds, view.peakMemory) = (usage?.cpuMilliseconds, usage?.peakMemory)
        return try .json(view)
    }

    /// What the command took, as the log's last event says; `nil` where it doesn't, or can't be read.
    private func usage(of execution: Execution) async throws -> ResourceUsage? {
        guard execution.status.isTerminal, execution.head > .zero else { return nil }
        let before = Offset(execution.head.rawValue - 1)
        do {
            let end = try await core.log.read(execution.id, after: before, limit: 1).block
            guard let bytes = end?.bytes, case .end(let outcome)? = try LogEvent.decode(lines: bytes).last?.content
            else {
                return nil
            }
            return outcome.usage
        } catch is LogStoreError, is LogEventDecodingError {
            // A client that reads a damaged log is told so; what else is known of the execution is true.
            return nil
        }
    }

    @Sendable func status(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .read)
        return try .json(StatusResponse(await core.executions.execution(context.executionID())))
    }

    @Sendable func stop(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .run)
        let id = try context.executionID()
        let isForced = try Query(request).flag("force")
        let owner = try await core.executions.execution(id).owner
        let principal = try await authenticator.principal(of: request, may: .stop(owner: owner))
        var execution = try await core.executions.requestStop(id, by: principal.user, at: core.now())
        core.stopRequests.announceChange(of: id)
        if execution.status == .terminating { try await core.engine.stop(execution) }
        if isForced, !execution.status.isTerminal {
            execution = try await abandoned.end(execution, because: .forced)
        } else {
            execution = try await abandoned.end(execution)
        }
        return try .json(ExecutionView(execution), status: .accepted)
    }

    private func create(
        _ command: [String], at place: CommandPlace, producer: Execution.Producer, for principal: Principal,
        request: Request, body: JSONBody
    ) async throws -> (execution: Execution, token: Secret, isNew: Bool) {
        var generator = SystemGenerator()
        var token = Secret(.appendToken, using: &generator)
        let now = core.now()
        let execution = Execution(
            id: ExecutionID(at: now, using: &generator), command: command, owner: principal.user, producer: producer,
            key: principal.key, place: place, createdAt: now)
        var idempotency: IdempotencyKey?
        if let key = request.headers[.idempotencyKey] {
            guard (1...IdempotencyKey.maximumLength).contains(key.utf8.count),
                key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                throw ProblemError(
                    .invalidRequest,
                    "Idempotency-Key may have 1 to \(IdempotencyKey.maximumLength) visible ASCII characters.")
            }
            let path = Array(request.uri.path.utf8)
            let registration = IdempotencyKey(value: key, fingerprint: SecretHash(ofBytes: path + body.bytes))
            if producer == .external, let again = authenticator.appendToken(for: registration, of: request) {
                token = again
            }
            idempotency = registration
        }
        let created = try await core.executions.create(execution, appendToken: token.hash, idempotency: idempotency)
        return (created.execution, token, created.isNew)
    }

    /// Whether the first request may have died between making the execution and starting its command.
    private func mayStartAgain(_ execution: Execution) async throws -> Bool {
        guard let limit = core.engine.restart, execution.status == .starting, core.now() < execution.createdAt + limit
        else { return false }
        return try await core.engine.inspect(execution.id) == .unknown
    }

    /// Starts the command; if not even its runner can be started, the log says so and ends.
    private func start(_ launch: LaunchRequest, _ context: EverylineContext) async throws {
        do {
            try await core.engine.start(launch)
        } catch let error as StartUnclear {
            context.logger.error(
                "The server doesn't know whether a command was started",
                metadata: ["execution_id": "\(launch.execution)", "error": "\(error.cause)"])
            throw ProblemError(
                .unavailable,
                "The server doesn't know whether \(launch.execution) was started. The same request with the same Idempotency-Key starts it once."
            )
        } catch {
            context.logger.error(
                "A runner could not be started",
                metadata: ["execution_id": "\(launch.execution)", "error": "\(error)"])
            _ = try await core.writer.end(
                launch.execution, ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted),
                notice: (error as? StartRefused).map { (.notStarted, $0.reason) })
        }
    }
}

extension RegisterRequest {
    func validate() throws {
        try RunRequest.validate(command: command)
        for (name, text) in [("host", host), ("host_user", hostUser)] {
            if let text, !CommandPlace.isName(text) {
                throw ProblemError(
                    .invalidRequest,
                    "\(name) must have 1 to \(CommandPlace.longestName) bytes of printable ASCII.")
            }
        }
        if let terminal { try terminal.validate() }
        if let workingDirectory, !CommandPlace.isPath(workingDirectory) {
            throw ProblemError(
                .invalidRequest,
                "working_directory must be an absolute path of at most \(CommandPlace.longestPath) bytes.")
        }
    }
}

extension RunRequest {
    /// Of a profile's name, in bytes, and of a secret's.
    static let nameLimit = 64
    static let secretLimit = 64
    /// More than any task has: 1,024 processors, and a TiB.
    static let largestSize = 1 << 20

    /// The longest command and environment, in all: well below what Linux takes (ARG_MAX counts both).
    static let sizeLimit: ByteCount = .kibibytes(128)
    static let longestTimeout = 365 * 24 * 60 * 60

    func validate() throws {
        try Self.validate(command: command)
        if let timeoutSeconds, !(1...Self.longestTimeout).contains(timeoutSeconds) {
            throw ProblemError(.invalidRequest, "timeout_seconds must be from 1 to \(Self.longestTimeout).")
        }
        for (name, value) in env ?? [:] {
            guard !name.isEmpty, !name.utf8.contains(0), !name.contains("="), !value.utf8.contains(0) else {
                throw ProblemError(.invalidRequest, "env has a name or a value that no environment can hold.")
            }
        }
        let size = (env ?? [:]).reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
        guard size <= Self.sizeLimit else { throw ProblemError(.invalidRequest, "env is too large.") }
        if let workingDirectory, !workingDirectory.hasPrefix("/") || workingDirectory.utf8.contains(0) {
            throw ProblemError(.invalidRequest, "working_directory must be an absolute path.")
        }
        try validateTask()
        if let terminal {
            try terminal.validate()
            guard streams != .split else {
                throw ProblemError(.invalidRequest, "A terminal is one stream: streams can't be split with it.")
            }
        }
    }

    /// What the AWS form has of its own.
    private func validateTask() throws {
        if let profile, !profile.isProfileName {
            throw ProblemError(.invalidRequest, "profile must be 1 to 64 of letters, digits, '-' and '_'.")
        }
        for (name, size) in [("cpu", cpu), ("memory", memory)] {
            if let size, !(1...Self.largestSize).contains(size) {
                throw ProblemError(.invalidRequest, "\(name) must be from 1 to \(Self.largestSize).")
            }
        }
        guard let secrets else { return }
        guard secrets.count <= Self.secretLimit, secrets.allSatisfy(\.isSecretName) else {
            throw ProblemError(
                .invalidRequest, "secrets must be at most \(Self.secretLimit) names of variables, such as API_TOKEN.")
        }
    }

    static func validate(command: [String]) throws {
        guard let program = command.first, !program.isEmpty else {
            throw ProblemError(.invalidRequest, "command must name a program: a list of words, not empty.")
        }
        guard command.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw ProblemError(.invalidRequest, "command has a NUL byte.")
        }
        guard command.reduce(0, { $0 + $1.utf8.count + 1 }) <= sizeLimit else {
            throw ProblemError(.invalidRequest, "command is too long.")
        }
    }
}

extension TerminalSize {
    fileprivate func validate() throws {
        guard !isValid else { return }
        throw ProblemError(.invalidRequest, "terminal must have columns and rows from 1 to \(Self.longest).")
    }
}

extension String {
    fileprivate var isProfileName: Bool {
        (1...RunRequest.nameLimit).contains(utf8.count)
            && utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    fileprivate var isSecretName: Bool {
        (1...RunRequest.nameLimit).contains(utf8.count)
            && utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "_") }
            && utf8.first.map { !(0x30...0x39).contains($0) } == true
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool { (0x61...0x7A).contains(self | 0x20) || (0x30...0x39).contains(self) }
}
