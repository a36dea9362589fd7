/// Profiles in the one table: `PROFILES / P#name {image, task_definition, role, cpu, memory, secrets}`. A secret is
/// kept as `NAME=ARN`, its value nowhere.
package struct DynamoDBProfileStore: Sendable {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    package func put(_ profile: CommandProfile) async throws {
        var item = Self.key(profile.name).attributes
        item["image"] = .string(profile.image)
        item["task_definition"] = .string(profile.taskDefinition)
        item["role"] = profile.role.map { .string($0) }
        item["cpu"] = profile.cpu.map { .number(Int64($0)) }
        item["memory"] = profile.memory.map { .number(Int64($0)) }
        item["secrets"] = .list(profile.secrets.sorted { $0.key < $1.key }.map { .string("\($0.key)=\($0.value)") })
        try await table.put(item)
    }

    /// `nil` if there is none of this name.
    package func profile(_ name: String) async throws -> CommandProfile? {
        try await table.get(Self.key(name)).map { try Self.profile(name, in: $0) }
    }

    /// All of them, by their names.
    package func all() async throws -> [CommandProfile] {
        try await table.query(.init(Self.partition, beginningWith: Self.prefix)).items.map { item in
            try Self.profile(String(try item.string("sk").dropFirst(Self.prefix.count)), in: item)
        }
    }

    package func remove(_ name: String) async throws { try await table.delete(Self.key(name)) }

    private static let partition = "PROFILES"
    private static let prefix = "P#"
    private static func key(_ name: String) -> DynamoDBTable.Key { .init(partition, prefix + name) }

    private static func profile(_ name: String, in item: Attributes) throws -> CommandProfile {
        var secrets: [String: String] = [:]
        if case .list(let pairs)? = item["secrets"] {
            for case .string(let pair) in pairs {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { secrets[String(parts[0])] = String(parts[1]) }
            }
        }
        func number(_ name: String) -> Int? {
            guard case .number(let number)? = item[name] else { return nil }
            return Int(number)
        }
        var role: String?
        if case .string(let arn)? = item["role"] { role = arn }
        return CommandProfile(
            name: name, image: try item.string("image"), role: role, cpu: number("cpu"), memory: number("memory"),
            secrets: secrets, taskDefinition: try item.string("task_definition"))
    }
}
