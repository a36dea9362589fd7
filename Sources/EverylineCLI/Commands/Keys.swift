import ArgumentParser
import Everyline
import EverylineClient

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke API keys.", subcommands: [Create.self, ListKeys.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it, this once.",
            discussion: """
                viewer: reads executions and logs. developer: also starts commands, and stops its own. operator: also stops \
                those of others. admin: also makes and revokes keys.
                """)

        @Option(help: "viewer, developer, operator or admin.")
        var role: Role
        @Option(help: "Whose key it is: a name that is shown with what it starts.")
        var user: UserID
        @OptionGroup(title: "Connection")
        var connection: ConnectionOptions

        func run() async throws {
            let made = try await connection.withClient { try await $0.createKey(for: user, role: role) }
            guard let key = made.key else { throw CLIError("the server gave no key") }
            try Console.print(key)
            Console.say("this is key \(made.id) of \(made.user) (\(made.role)). It can't be shown again.")
        }
    }

    struct ListKeys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

        @Option(name: .shortAndLong, help: "text or json.")
        var output: OutputOptions.Format = .text
        @OptionGroup(title: "Connection")
        var connection: ConnectionOptions

        func run() async throws {
            let keys = try await connection.withClient { try await $0.keys() }
            guard output == .text else { return try Console.print(json: keys) }
            var table = Table("KEY", "USER", "ROLE", "CREATED", "REVOKED")
            for key in keys {
                table.add(
                    key.id, key.user, key.role, Timestamp(milliseconds: key.createdAt).shortText,
                    key.revokedAt.map { Timestamp(milliseconds: $0).shortText } ?? "-")
            }
            try Console.print(table.lines)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key: from then on it is refused, and so are the streams that were opened with it.")

        @Argument(help: ArgumentHelp("The key's id, as `keys list` shows it.", valueName: "key"))
        var id: String
        @OptionGroup(title: "Connection")
        var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { try await $0.revokeKey(id) }
        }
    }
}
