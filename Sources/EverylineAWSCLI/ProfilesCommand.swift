import ArgumentParser
import EverylineAWS

/// `everyline-aws profiles`: in what commands may run besides the stack's own image.
struct ProfilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles",
        abstract: "Manage the profiles in which commands may run: `everyline run --profile NAME`.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a profile, or change one: an image, a role, a size and secrets.",
            discussion: """
                The role is what its commands may do in the account. It must lie under the path /everyline/STACK/, since the API \
                may pass no others: aws iam create-role --path /everyline/STACK/ …

                A secret is a parameter of SSM or a secret of Secrets Manager. ECS fetches its value when a task starts; a \
                command has it as a variable if it names it (--secret NAME). A key that may run commands may name each \
                profile, and each of its secrets. \(AccountOptions.credentials)
                """)

        @OptionGroup
        var account: AccountOptions

        @Argument(help: "The profile's name: letters, digits and '-'.")
        var name: String

        @Option(help: "Its image. It needs sh, awk, mktemp and mkfifo.")
        var image: String

        @Option(help: ArgumentHelp("The role of its commands. (default: the stack's)", valueName: "arn"))
        var role: String?

        @Option(help: ArgumentHelp("What a command has of a processor, in 1024ths.", valueName: "units"))
        var cpu: Int?

        @Option(help: ArgumentHelp("What a command has of memory.", valueName: "mib"))
        var memory: Int?

        @Option(help: ArgumentHelp("A secret that its commands may name.", valueName: "name=arn"))
        var secret: [String] = []

        func validate() throws {
            let isName = name.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
            }
            // The role that is made for it has the stack's name in its own, which may have 64 characters.
            guard isName, (1...40).contains(name.utf8.count) else {
                throw ValidationError("'\(name)' is no profile's name: 1 to 40 letters, digits and '-'.")
            }
            _ = try secrets()
        }

        func run() async throws {
            let profile = CommandProfile(
                name: name, image: image, role: role, cpu: cpu, memory: memory, secrets: try secrets())
            try await Terminal.run(account) { client in
                try await Profiles(stack: account.stack, client: client).add(profile)
                Terminal.say("profile \(name): registered. everyline run --profile \(name) -- COMMAND")
            }
        }

        private func secrets() throws -> [String: String] {
            var secrets: [String: String] = [:]
            for pair in secret {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2, Self.isVariable(parts[0]),
                    parts[1].hasPrefix("arn:"), parts[1].contains(":ssm:") || parts[1].contains(":secretsmanager:")
                else {
                    // It may be a value that was meant to be kept.
                    throw ValidationError(
                        "--secret must be NAME=ARN, of a parameter of SSM or a secret of Secrets Manager.")
                }
                guard secrets.updateValue(parts[1], forKey: parts[0]) == nil else {
                    throw ValidationError("--secret \(parts[0]) is there twice.")
                }
            }
            return secrets
        }

        private static func isVariable(_ name: String) -> Bool {
            name.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
            } && name.first?.isNumber == false && name.utf8.count <= 64
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the profiles.", discussion: AccountOptions.credentials)

        @OptionGroup
        var account: AccountOptions

        func run() async throws {
            try await Terminal.run(account) { client in
                for profile in try await Profiles(stack: account.stack, client: client).all() {
                    Terminal.say(Self.line(profile))
                }
            }
        }

        static func line(_ profile: CommandProfile) -> String {
            var words = [profile.name, profile.image]
            if let role = profile.role { words.append("role \(role)") }
            if let cpu = profile.cpu { words.append("cpu \(cpu)") }
            if let memory = profile.memory { words.append("memory \(memory)") }
            if !profile.secrets.isEmpty {
                words.append("secrets \(profile.secrets.keys.sorted().joined(separator: ", "))")
            }
            return words.joined(separator: "  ")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a profile. Commands that run in it go on.", discussion: AccountOptions.credentials)

        @OptionGroup
        var account: AccountOptions

        @Argument(help: "The profile's name.")
        var name: String

        func run() async throws {
            try await Terminal.run(account) { client in
                guard try await Profiles(stack: account.stack, client: client).remove(name) else {
                    throw Terminal.failure("There is no profile \(name).")
                }
                Terminal.say("profile \(name): removed")
            }
        }
    }
}
