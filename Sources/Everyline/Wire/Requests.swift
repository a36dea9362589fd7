/// `POST /run`: starts a command on the server.
public struct RunRequest: Codable, Sendable, Equatable {
    /// The program and its arguments. One string on the wire is a line for a shell.
    public var command: [String]
    public var env: [String: String]?
    /// After this many seconds the command is stopped, and the execution is `FAILED` with exit code 124.
    public var timeoutSeconds: Int?
    /// `merged` (one pipe: the order is the command's own) or `split` (two pipes: the order between them is
    /// approximate).
    public var streams: StreamMode?
    public var workingDirectory: String?
    /// The size of the terminal that the command gets as its standard streams; `nil`: none.
    public var terminal: TerminalSize?
    /// Whether its standard input is what is written to `…/input`; else there is none.
    public var input: Bool?
    /// In which of the profiles that an administrator has made the command runs (the AWS form).
    public var profile: String?
    /// What it has of a processor, in 1024ths, and of memory, in MiB, in the place of its profile's (the AWS form).
    public var cpu: Int?
    public var memory: Int?
    /// The names of those of its profile's secrets that it has in its environment. Their values are never in a request.
    public var secrets: [String]?

    public init(
        command: [String], env: [String: String]? = nil, timeoutSeconds: Int? = nil, streams: StreamMode? = nil,
        workingDirectory: String? = nil, terminal: TerminalSize? = nil, profile: String? = nil, cpu: Int? = nil,
        memory: Int? = nil, secrets: [String]? = nil, input: Bool? = nil
    ) {
        self.command = command
        self.env = env
        self.timeoutSeconds = timeoutSeconds
        self.streams = streams
        self.workingDirectory = workingDirectory
        self.terminal = terminal
        self.profile = profile
        self.cpu = cpu
        self.memory = memory
        self.secrets = secrets
        self.input = input
    }

    /// Takes `"command":"make test"` for `["sh","-c","make test"]`, as clients of older systems send it.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        command = try values.decode(CommandWords.self, forKey: .command).words
        env = try values.decodeIfPresent([String: String].self, forKey: .env)
        timeoutSeconds = try values.decodeIfPresent(Int.self, forKey: .timeoutSeconds)
        streams = try values.decodeIfPresent(StreamMode.self, forKey: .streams)
        workingDirectory = try values.decodeIfPresent(String.self, forKey: .workingDirectory)
        terminal = try values.decodeIfPresent(TerminalSize.self, forKey: .terminal)
        profile = try values.decodeIfPresent(String.self, forKey: .profile)
        cpu = try values.decodeIfPresent(Int.self, forKey: .cpu)
        memory = try values.decodeIfPresent(Int.self, forKey: .memory)
        secrets = try values.decodeIfPresent([String].self, forKey: .secrets)
        input = try values.decodeIfPresent(Bool.self, forKey: .input)
    }

    /// Whether it asks for something that only the AWS form has.
    public var needsTasks: Bool { profile != nil || cpu != nil || memory != nil || secrets != nil }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case command, env, streams, terminal, profile, cpu, memory, secrets, input
        case timeoutSeconds = "timeout_seconds"
        case workingDirectory = "working_directory"
    }

    /// The names of its fields.
    package static let fields = CodingKeys.allCases.map(\.rawValue)
}

/// A command as it is sent: words, or one string for a shell.
private struct CommandWords: Decodable {
    let words: [String]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        guard let line = try? value.decode(String.self) else {
            // Not a string: then words, or an error that says so.
            words = try value.decode([String].self)
            return
        }
        // An empty line is no command, and refused as one.
        words = line.isEmpty ? [] : ["sh", "-c", line]
    }
}

/// How a command's two output streams are read.
public enum StreamMode: String, Codable, Sendable, CaseIterable {
    case merged
    case split
}

/// How many characters a terminal has.
public struct TerminalSize: Codable, Sendable, Equatable {
    public var columns: Int
    public var rows: Int

    /// Where nothing says another.
    public static let usual = TerminalSize(columns: 120, rows: 40)
    /// Of rows, and of columns.
    public static let longest = 1000

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// As two numbers that a store keeps side by side.
    package init?(storedColumns columns: Int64?, rows: Int64?) {
        guard let columns, let rows else { return nil }
        self.init(columns: Int(clamping: columns), rows: Int(clamping: rows))
    }

    /// Whether a terminal can have it.
    public var isValid: Bool { (1...Self.longest).contains(columns) && (1...Self.longest).contains(rows) }
}

/// `POST /executions`: registers an execution whose producer is elsewhere.
public struct RegisterRequest: Codable, Sendable, Equatable {
    /// What is shown as its command.
    public var command: [String]
    /// ``CommandPlace``, as far as the producer knows it.
    public var host: String?
    public var hostUser: String?
    public var workingDirectory: String?
    public var terminal: TerminalSize?

    public init(command: [String], place: CommandPlace = CommandPlace()) {
        self.command = command
        (host, hostUser, workingDirectory, terminal) = (place.host, place.user, place.directory, place.terminal)
    }

    /// Where the command runs; what isn't well-formed is left out.
    public var place: CommandPlace {
        CommandPlace(host: host, user: hostUser, directory: workingDirectory, terminal: terminal)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case command, host, terminal
        case hostUser = "host_user"
        case workingDirectory = "working_directory"
    }

    /// The names of its fields.
    package static let fields = CodingKeys.allCases.map(\.rawValue)
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
