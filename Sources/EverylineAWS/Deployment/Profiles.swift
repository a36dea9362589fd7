#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The profiles of one deployment: each a task definition with the stack's own entry point, and a record by which the
/// API finds it.
///
/// The API may pass to a task only the stack's own roles and those under the path `/everyline/STACK/`. So it is the
/// administrator who says, by where a role lies, what commands may ever do.
package struct Profiles: Sendable {
    private let stack: String
    private let client: AWSClient

    package init(stack: String, client: AWSClient) {
        self.stack = stack
        self.client = client
    }

    /// All of them, by their names.
    ///
    /// - Throws: ``DeploymentError/noStack(_:)``, ``AWSError``.
    package func all() async throws -> [CommandProfile] { try await store(try await resources()).all() }

    /// Registers a profile, or a new revision of it. Commands that run go on as they are.
    ///
    /// - Throws: ``DeploymentError``, ``AWSError``.
    package func add(_ profile: CommandProfile) async throws {
        try await add(profile, try await resources())
    }

    /// Takes a profile away, with what was registered for it.
    ///
    /// - Returns: `false` if there is none of this name.
    package func remove(_ name: String) async throws -> Bool {
        let store = store(try await resources())
        guard let profile = try await store.profile(name) else { return false }
        // First what the API looks for, so that no command begins in what is being taken away.
        try await store.remove(name)
        try await definitions.deregister(profile.taskDefinition)
        try await RoleMaking(client: client).delete(roleName(name))
        return true
    }

    /// Registers those profiles anew whose entry point, log or role aren't those that the stack has now.
    ///
    /// - Returns: their names.
    func renew() async throws -> [String] {
        let resources = try await resources()
        let base = try await definitions.definition(resources["CommandTask"] ?? "")
        guard let container = base.containers.first else { throw DeploymentError.noStack(stack) }
        var renewed: [String] = []
        for profile in try await store(resources).all() {
            let registered = try await definitions.definition(profile.taskDefinition)
            let wanted = TaskDefinitions.New(
                family: "", base: base, container: container, profile: profile,
                executionRole: profile.secrets.isEmpty ? base.executionRole : registered.executionRole)
            guard
                registered.containers != wanted.containerDefinitions || registered.taskRole != wanted.taskRoleArn
                    || registered.executionRole != wanted.executionRoleArn
            else { continue }
            try await add(profile, resources)
            renewed.append(profile.name)
        }
        return renewed
    }

    private func add(_ profile: CommandProfile, _ resources: [String: String]) async throws {
        let store = store(resources)
        if let role = profile.role { try await check(role) }
        let base = try await definitions.definition(resources["CommandTask"] ?? "")
        guard let container = base.containers.first else { throw DeploymentError.noStack(stack) }
        var role = base.executionRole
        if !profile.secrets.isEmpty {
            role = try await RoleMaking(client: client).make(
                roleName(profile.name), under: rolePath, may: permissions(profile, container))
        }
        var made = profile
        made.taskDefinition = try await definitions.register(
            TaskDefinitions.New(
                family: "\(stack)-profile-\(profile.name)", base: base, container: container, profile: profile,
                executionRole: role))
        let before = try await store.profile(profile.name)
        try await store.put(made)
        if let before, before.taskDefinition != made.taskDefinition {
            try await definitions.deregister(before.taskDefinition)
        }
        if profile.secrets.isEmpty { try await RoleMaking(client: client).delete(roleName(profile.name)) }
    }

    /// What ECS does before a command begins: it writes its output, pulls its image, and fetches its secrets and no
    /// others.
    private func permissions(
        _ profile: CommandProfile, _ container: TaskDefinitions.Container
    ) -> [RoleMaking.Statement] {
        let group = container.logConfiguration?.options?["awslogs-group"] ?? ""
        let arns = profile.secrets.values.sorted()
        let parameters = arns.filter { $0.contains(":ssm:") }
        // What follows the seventh colon picks a part of the secret, or a version.
        let secrets = arns.filter { $0.contains(":secretsmanager:") }.map {
            $0.split(separator: ":", omittingEmptySubsequences: false).prefix(7).joined(separator: ":")
        }
        let partition = arns.first?.split(separator: ":").dropFirst().first ?? "aws"
        return [
            .init(
                action: ["logs:CreateLogStream", "logs:PutLogEvents"],
                resource: ["arn:\(partition):logs:\(client.configuration.region):*:log-group:\(group):*"]),
            .init(
                action: [
                    "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
                    "ecr:BatchGetImage",
                ], resource: ["*"]),
        ] + (parameters.isEmpty ? [] : [.init(action: ["ssm:GetParameters"], resource: parameters)])
            + (secrets.isEmpty ? [] : [.init(action: ["secretsmanager:GetSecretValue"], resource: secrets)])
    }

    private func check(_ role: String) async throws {
        let parts = role.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "iam", parts[5].hasPrefix("role" + rolePath) else {
            throw DeploymentError.roleElsewhere(role, path: rolePath)
        }
        guard let name = parts[5].split(separator: "/").last.map(String.init),
            try await RoleMaking(client: client).role(name) == role
        else { throw DeploymentError.noRole(role) }
    }

    private var rolePath: String { "/everyline/\(stack)/" }

    /// IAM takes 64 characters, in an account.
    private func roleName(_ profile: String) -> String { "\(stack)-profile-\(profile)" }

    private var definitions: TaskDefinitions { TaskDefinitions(client: client) }

    private func store(_ resources: [String: String]) -> DynamoDBProfileStore {
        DynamoDBProfileStore(DynamoDBTable(resources["Table"] ?? "", client: client))
    }

    private func resources() async throws -> [String: String] {
        let cloudFormation = CloudFormation(client: client)
        guard try await cloudFormation.stack(stack) != nil else { throw DeploymentError.noStack(stack) }
        let resources = try await cloudFormation.resources(of: stack)
        guard resources["Table"] != nil, resources["CommandTask"] != nil else { throw DeploymentError.noStack(stack) }
        return resources
    }
}
