/// In what commands may run that name it: an image, a role, a size and secrets, registered with ECS by an
/// administrator.
///
/// A secret's value is in none of it: ECS fetches it when a task starts, and gives it to the container as a variable.
package struct CommandProfile: Sendable, Equatable {
    package let name: String
    package let image: String
    /// The ARN of the role that its commands have; `nil` for the stack's default, which may do nothing.
    package let role: String?
    /// In 1024ths of a processor, and in MiB; `nil` for the stack's default.
    package let cpu: Int?
    package let memory: Int?
    /// Where its secrets are, by the names under which commands have them: ARNs of Secrets Manager or of SSM's
    /// parameters.
    package let secrets: [String: String]
    /// The ARN of what is registered, with its revision; empty before it is.
    package internal(set) var taskDefinition: String

    package init(
        name: String, image: String, role: String? = nil, cpu: Int? = nil, memory: Int? = nil,
        secrets: [String: String] = [:], taskDefinition: String = ""
    ) {
        self.name = name
        self.image = image
        self.role = role
        self.cpu = cpu
        self.memory = memory
        self.secrets = secrets
        self.taskDefinition = taskDefinition
    }

    /// The variable that tells the entry point which of the secrets a command has named.
    static let wanted = "EVERYLINE_SECRETS"

    /// Has the command find these secrets in its environment, and none of the others.
    ///
    /// - Throws: ``CommandsError`` if one isn't declared, or a variable would stand in the place of one.
    func add(_ names: [String], to environment: inout [String: String]) throws(CommandsError) {
        if let name = names.first(where: { secrets[$0] == nil }) { throw .noSecret(name, profile: self.name) }
        guard !secrets.isEmpty else { return }
        if let taken = environment.keys.sorted().first(where: { secrets[$0] != nil || $0 == Self.wanted }) {
            throw .takenName(taken)
        }
        environment[Self.wanted] = names.joined(separator: " ")
    }

    /// What comes before the stack's own script in the container's entry point: it takes away the secrets that the
    /// command hasn't named. ECS gives a task all that its definition declares.
    var preamble: String {
        guard !secrets.isEmpty else { return "" }
        let names = secrets.keys.sorted().joined(separator: " ")
        return """
            for secret in \(names); do
              case " $\(Self.wanted) " in *" $secret "*) ;; *) unset "$secret" ;; esac
            done
            unset secret \(Self.wanted)

            """
    }
}
