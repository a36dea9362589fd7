/// The task definitions of an account. All throw ``AWSError``.
struct TaskDefinitions: Sendable {
    let client: AWSClient

    struct Definition: Sendable, Decodable {
        let taskDefinitionArn: String?
        let executionRole: String?
        let taskRole: String?
        let cpu: String?
        let memory: String?
        fileprivate(set) var containers: [Container]

        enum CodingKeys: String, CodingKey {
            case taskDefinitionArn, cpu, memory
            case executionRole = "executionRoleArn"
            case taskRole = "taskRoleArn"
            case containers = "containerDefinitions"
        }
    }

    struct Container: Sendable, Codable, Equatable {
        let name: String
        var image: String
        let essential: Bool?
        let stopTimeout: Int?
        let logConfiguration: Log?
        var entryPoint: [String]
        var secrets: [Secret]?

        struct Log: Sendable, Codable, Equatable {
            let logDriver: String
            let options: [String: String]?
        }

        struct Secret: Sendable, Codable, Equatable {
            let name: String
            let valueFrom: String
        }
    }

    /// A definition that is to be registered: the stack's own, with a profile's image, role, size and secrets.
    struct New: Encodable {
        let family: String
        let requiresCompatibilities = ["FARGATE"]
        let networkMode = "awsvpc"
        let cpu: String?
        let memory: String?
        let executionRoleArn: String?
        let taskRoleArn: String?
        let containerDefinitions: [Container]

        init(
            family: String, base: Definition, container: Container, profile: CommandProfile, executionRole: String?
        ) {
            self.family = family
            cpu = profile.cpu.map { "\($0)" } ?? base.cpu
            memory = profile.memory.map { "\($0)" } ?? base.memory
            executionRoleArn = executionRole
            taskRoleArn = profile.role ?? base.taskRole
            var container = container
            container.image = profile.image
            // sh -c SCRIPT everyline
            if container.entryPoint.count > 2 { container.entryPoint[2] = profile.preamble + container.entryPoint[2] }
            container.secrets =
                profile.secrets.isEmpty
                ? nil
                : profile.secrets.sorted { $0.key < $1.key }.map { .init(name: $0.key, valueFrom: $0.value) }
            containerDefinitions = [container]
        }
    }

    private struct Output: Decodable { let taskDefinition: Definition }

    func definition(_ name: String) async throws -> Definition {
        let input = DescribeTaskDefinitionInput(taskDefinition: name)
        var found = try await client.call("DescribeTaskDefinition", of: .ecs, input, giving: Output.self).taskDefinition
        // None, however the service says so.
        for place in found.containers.indices where found.containers[place].secrets == [] {
            found.containers[place].secrets = nil
        }
        return found
    }

    /// - Returns: its ARN, with the new revision.
    func register(_ new: New) async throws -> String {
        try await client.call("RegisterTaskDefinition", of: .ecs, new, giving: Output.self).taskDefinition
            .taskDefinitionArn ?? new.family
    }

    /// Takes a revision away: no task begins in it any more.
    func deregister(_ definition: String) async throws {
        struct Input: Encodable { let taskDefinition: String }
        try await client.call("DeregisterTaskDefinition", of: .ecs, Input(taskDefinition: definition))
    }
}
