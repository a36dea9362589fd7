/// `POST /run`: starts a command on the server.
public struct RunRequest: Codable, Sendable, Equatable {
    public var command: [String]
    public var env: [String: String]?
    /// After this many seconds the command is stopped, and the execution is `FAILED` with exit code 124.
    public var timeoutSeconds: Int?
    /// `merged` (one pipe: the order is the command's own) or `split` (two pipes: the order between them is approximate).
    public var streams: StreamMode?
    public var workingDirectory: String?

    public init(
        command: [String], env: [String: String]? = nil, timeoutSeconds: Int? = nil, streams: StreamMode? = nil,
        workingDirectory: String? = nil
    ) {
        self.command = command
        self.env = env
        self.timeoutSeconds = timeoutSeconds
        self.streams = streams
        self.workingDirectory = workingDirectory
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case command, env, streams
        case timeoutSeconds = "timeout_seconds"
        case workingDirectory = "working_directory"
    }
}

/// How a command's two output streams are read.
public enum StreamMode: String, Codable, Sendable, CaseIterable {
    case merged
    case split
}

/// `POST /executions`: registers an execution whose producer is elsewhere.
public struct RegisterRequest: Codable, Sendable, Equatable {
    /// What is shown as its command.
    public var command: [String]

    public init(command: [String]) { self.command = command }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case command
    }
}

/// `POST /keys`: makes a key.
public struct CreateKeyRequest: Codable, Sendable, Equatable {
    public var user: String
    public var role: String

    public init(user: String, role: String) {
        self.user = user
        self.role = role
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case user, role
    }
}
