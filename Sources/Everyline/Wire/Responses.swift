/// `POST /run`, 202.
public struct RunResponse: Codable, Sendable, Equatable {
    public var executionID: String
    public var status: String
    public var websocketURL: String
    public var logURL: String
    /// ``Incarnation`` of the server's data; `nil` from a server that tells none apart.
    public var incarnation: String?

    public init(
        executionID: String, status: String, websocketURL: String, logURL: String, incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation?.rawValue
        self.executionID = executionID
        self.status = status
        self.websocketURL = websocketURL
        self.logURL = logURL
    }

    enum CodingKeys: String, CodingKey {
        case status, incarnation
        case executionID = "execution_id"
        case websocketURL = "websocket_url"
        case logURL = "log_url"
    }
}

/// `POST /executions`, 201. The token is shown this once.
public struct RegisterResponse: Codable, Sendable, Equatable {
    public var executionID: String
    public var appendToken: String
    /// The longest line that becomes one event, in bytes. A producer that takes an event for an offset cuts its lines
    /// itself, no longer than this: where the server cuts them, there are more offsets than the producer has counted.
    /// `nil` from a server that doesn't say.
    public var lineLimit: ByteCount?
    /// The fields of an `end` that the server knows besides those of the first release: ``ResourceUsage/fields``. `nil`
    /// from a server that knows none.
    public var endFields: [String]?
    /// ``Incarnation`` of the server's data; `nil` from a server that tells none apart.
    public var incarnation: String?

    public init(
        executionID: String, appendToken: String, lineLimit: ByteCount? = nil, endFields: [String]? = nil,
        incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation?.rawValue
        self.executionID = executionID
        self.appendToken = appendToken
        self.lineLimit = lineLimit
        self.endFields = endFields
    }

    enum CodingKeys: String, CodingKey {
        case incarnation
        case executionID = "execution_id"
        case appendToken = "append_token"
        case lineLimit = "line_limit"
        case endFields = "end_fields"
    }
}

/// One execution, as `GET /executions/{id}`, its list and `DELETE` show it. Times are milliseconds since the epoch.
public struct ExecutionView: Codable, Sendable, Equatable {
    public var executionID: String
    public var command: [String]
    public var status: String
    public var exitCode: Int32?
    public var reason: String?
    public var owner: String
    public var createdAt: Int64
    public var startedAt: Int64?
    public var endedAt: Int64?
    public var lastOffset: UInt64
    public var logBytes: Int
    /// Who first asked for a stop.
    public var stoppedBy: String?
    /// ``CommandPlace``; only in `GET /executions/{id}`, and only what is known of it.
    public var host: String?
    public var hostUser: String?
    public var workingDirectory: String?
    public var terminal: TerminalSize?
    /// What the command took; only in `GET /executions/{id}`, and only where its runner said so.
    public var cpuMilliseconds: Int64?
    public var peakMemory: Int64?
    /// The line that has no newline yet; only in `GET /executions/{id}`, and only where there is one.
    public var pending: PendingLine?

    package init(_ execution: Execution) {
        executionID = execution.id.rawValue
        command = execution.command
        status = execution.status.rawValue
        exitCode = execution.exitCode
        reason = execution.reason?.rawValue
        owner = execution.owner.rawValue
        createdAt = execution.createdAt.milliseconds
        startedAt = execution.startedAt?.milliseconds
        endedAt = execution.endedAt?.milliseconds
        lastOffset = execution.head.rawValue
        logBytes = execution.logBytes
        stoppedBy = execution.stoppedBy?.rawValue
    }

    enum CodingKeys: String, CodingKey {
        case command, status, reason, owner, pending, host, terminal
        case executionID = "execution_id"
        case exitCode = "exit_code"
        case createdAt = "created_at"
        case startedAt = "started_at"
        case endedAt = "ended_at"
        case lastOffset = "last_offset"
        case logBytes = "log_bytes"
        case stoppedBy = "stopped_by"
        case hostUser = "host_user"
        case workingDirectory = "working_directory"
        case cpuMilliseconds = "cpu_ms"
        case peakMemory = "peak_memory_bytes"
    }
}

/// `GET /executions`. `next_cursor` is there if there may be more.
public struct ExecutionListResponse: Codable, Sendable, Equatable {
    public var executions: [ExecutionView]
    public var nextCursor: String?

    public init(executions: [ExecutionView], nextCursor: String?) {
        self.executions = executions
        self.nextCursor = nextCursor
    }

    enum CodingKeys: String, CodingKey {
        case executions
        case nextCursor = "next_cursor"
    }
}

/// `GET /executions/{id}/status`.
public struct StatusResponse: Codable, Sendable, Equatable {
    public var executionID: String
    public var status: String
    public var exitCode: Int32?
    public var lastOffset: UInt64

    package init(_ execution: Execution) {
        executionID = execution.id.rawValue
        status = execution.status.rawValue
        exitCode = execution.exitCode
        lastOffset = execution.head.rawValue
    }

    enum CodingKeys: String, CodingKey {
        case status
        case executionID = "execution_id"
        case exitCode = "exit_code"
        case lastOffset = "last_offset"
    }
}

/// `GET /executions/{id}/logs` of an execution that has not ended: where to follow it.
public struct LogLocation: Codable, Sendable, Equatable {
    public var executionID: String
    public var status: String
    public var websocketURL: String
    /// Server-sent events, where the server has them.
    public var streamURL: String?
    /// ``Incarnation`` of the server's data; `nil` from a server that tells none apart.
    public var incarnation: String?

    public init(
        executionID: String, status: String, websocketURL: String, streamURL: String?, incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation?.rawValue
        self.executionID = executionID
        self.status = status
        self.websocketURL = websocketURL
        self.streamURL = streamURL
    }

    enum CodingKeys: String, CodingKey {
        case status, incarnation
        case executionID = "execution_id"
        case websocketURL = "websocket_url"
        case streamURL = "stream_url"
    }
}

/// `POST /executions/{id}/events`.
public struct AppendResponse: Codable, Sendable, Equatable {
    /// Whose log it is, so that no answer is taken for that of another append; `nil` from a server that doesn't say it.
    public var executionID: String?
    public var head: UInt64
    /// Whether the producer should stop its command.
    public var stopRequested: Bool
    /// ``Incarnation`` of the server's data; `nil` from a server that tells none apart.
    public var incarnation: String?

    public init(
        of execution: ExecutionID, head: UInt64, stopRequested: Bool, incarnation: Incarnation? = nil
    ) {
        executionID = execution.rawValue
        self.incarnation = incarnation?.rawValue
        self.head = head
        self.stopRequested = stopRequested
    }

    /// Servers of the first release say nothing of a stop.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        executionID = try values.decodeIfPresent(String.self, forKey: .executionID)
        head = try values.decode(UInt64.self, forKey: .head)
        stopRequested = try values.decodeIfPresent(Bool.self, forKey: .stopRequested) ?? false
        incarnation = try values.decodeIfPresent(String.self, forKey: .incarnation)
    }

    enum CodingKeys: String, CodingKey {
        case head, incarnation
        case executionID = "execution_id"
        case stopRequested = "stop_requested"
    }
}

/// `GET /executions/{id}/control`.
public struct ControlResponse: Codable, Sendable, Equatable {
    /// Whose command it is; `nil` from a server that doesn't say it.
    public var executionID: String?
    public var stopRequested: Bool
    public var status: String
    /// When to ask again, in seconds, where a server answers at once; `nil` where the question waits at the server.
    public var pollAfterSeconds: Int?
    /// ``Incarnation`` of the server's data; `nil` from a server that tells none apart.
    public var incarnation: String?

    public init(
        of execution: ExecutionID, stopRequested: Bool, status: String, pollAfterSeconds: Int? = nil,
        incarnation: Incarnation? = nil
    ) {
        executionID = execution.rawValue
        self.incarnation = incarnation?.rawValue
        self.stopRequested = stopRequested
        self.status = status
        self.pollAfterSeconds = pollAfterSeconds
    }

    enum CodingKeys: String, CodingKey {
        case status, incarnation
        case executionID = "execution_id"
        case stopRequested = "stop_requested"
        case pollAfterSeconds = "poll_after_seconds"
    }
}

/// A key in a list; with the key itself only in the answer to its making.
public struct KeyView: Codable, Sendable, Equatable {
    public var id: String
    public var user: String
    public var role: String
    public var createdAt: Int64
    public var revokedAt: Int64?
    public var key: String?

    package init(_ record: APIKey, key: String? = nil) {
        id = record.id
        user = record.user.rawValue
        role = record.role.rawValue
        createdAt = record.createdAt.milliseconds
        revokedAt = record.revokedAt?.milliseconds
        self.key = key
    }

    enum CodingKeys: String, CodingKey {
        case id, user, role, key
        case createdAt = "created_at"
        case revokedAt = "revoked_at"
    }
}

/// `GET /keys`.
public struct KeyListResponse: Codable, Sendable, Equatable {
    public var keys: [KeyView]

    public init(keys: [KeyView]) { self.keys = keys }
}

/// `GET /me`: whom the server takes the caller for.
public struct PrincipalView: Codable, Sendable, Equatable {
    public var user: String
    public var role: String

    package init(_ principal: Principal) {
        user = principal.user.rawValue
        role = principal.role.rawValue
    }
}

/// `GET /health`: what answers here. It needs no key.
public struct HealthResponse: Codable, Sendable, Equatable {
    /// `ok`, from whatever process answers at all. Whether its store does, `/readyz` says.
    public var status = "ok"
    public var version: String
    public var provider: String
    public var region: String?

    public init(_ platform: Platform, version: String = ReleaseVersion.current) {
        self.version = version
        provider = platform.provider
        region = platform.region
    }
}

/// Where commands run.
public struct Platform: Sendable, Equatable {
    public let provider: String
    public let region: String?

    /// As processes of the server's machine.
    public static let embedded = Platform(provider: "embedded", region: nil)

    /// As tasks of AWS.
    public static func aws(region: String) -> Platform { Platform(provider: "AWS", region: region) }
}
