/// Where a command runs, as its producer says: shown to all who may read, and used for nothing else.
///
/// Each part is `nil` where it is unknown, as of tasks on AWS. All of it has at most some 4.5 KB.
public struct CommandPlace: Codable, Sendable, Equatable {
    /// The machine's own name for itself.
    public var host: String?
    /// The machine's user as whom it runs.
    public var user: String?
    /// The absolute path of the directory in which it began.
    public var directory: String?
    /// The size of the terminal that it began with; `nil` also where it has none.
    public var terminal: TerminalSize?

    /// Of a host's name, and a user's, in bytes: longer ones neither DNS nor Linux has.
    public static let longestName = 255
    /// Of a directory's path, in bytes: Linux's own.
    public static let longestPath = 4096

    /// Takes what is well-formed, and leaves out the rest.
    public init(
        host: String? = nil, user: String? = nil, directory: String? = nil, terminal: TerminalSize? = nil
    ) {
        self.host = host.flatMap { Self.isName($0) ? $0 : nil }
        self.user = user.flatMap { Self.isName($0) ? $0 : nil }
        self.directory = directory.flatMap { Self.isPath($0) ? $0 : nil }
        self.terminal = terminal.flatMap { $0.isValid ? $0 : nil }
    }

    /// Whether it can be a host's or a user's: printable ASCII, so that it controls no terminal.
    public static func isName(_ text: String) -> Bool {
        (1...longestName).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    public static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= longestPath && !text.utf8.contains(0)
    }

    /// What it takes in memory, more or less.
    var bytes: ByteCount { [host, user, directory].reduce(0) { $0 + ($1?.utf8.count ?? 0) } }
}
