#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The roles under which profiles' tasks start, in IAM. All throw ``AWSError``.
struct RoleMaking: Sendable {
    let client: AWSClient

    /// What a role may do, as a policy's statement.
    struct Statement: Encodable {
        var effect = "Allow"
        let action: [String]
        let resource: [String]

        enum CodingKeys: String, CodingKey {
            case effect = "Effect"
            case action = "Action"
            case resource = "Resource"
        }
    }

    private struct Document<Statement: Encodable>: Encodable {
        let version = "2012-10-17"
        let statement: [Statement]

        enum CodingKeys: String, CodingKey {
            case version = "Version"
            case statement = "Statement"
        }
    }

    private struct Trust: Encodable {
        let effect = "Allow"
        let principal = ["Service": "ecs-tasks.amazonaws.com"]
        let action = "sts:AssumeRole"

        enum CodingKeys: String, CodingKey {
            case effect = "Effect"
            case principal = "Principal"
            case action = "Action"
        }
    }

    /// The ARN of a role; `nil` if there is none of this name.
    func role(_ name: String) async throws -> String? {
        do {
            return try await client.query("GetRole", of: .iam, ["RoleName": name])["Role"]?["Arn"]?.text
        } catch let error as AWSError where error.code == .noSuchEntity {
            return nil
        }
    }

    /// Makes a role that ECS may take, if it isn't there, and gives it just these permissions.
    ///
    /// - Parameter path: under which it lies: from a slash to a slash.
    /// - Returns: its ARN.
    func make(_ name: String, under path: String, may statements: [Statement]) async throws -> String {
        var arn = try await role(name)
        if arn == nil {
            let trust = String(decoding: try AWSClient.json(Document(statement: [Trust()])), as: UTF8.self)
            arn = try await client.query(
                "CreateRole", of: .iam, ["RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust])["Role"]?[
                    "Arn"]?.text
        }
        let policy = String(decoding: try AWSClient.json(Document(statement: statements)), as: UTF8.self)
        _ = try await client.query(
            "PutRolePolicy", of: .iam, ["RoleName": name, "PolicyName": Self.policy, "PolicyDocument": policy])
        return arn ?? ""
    }

    /// Deletes a role that ``make(_:under:may:)`` has made; one that isn't there is as good as deleted.
    func delete(_ name: String) async throws {
        do {
            _ = try await client.query(
                "DeleteRolePolicy", of: .iam, ["RoleName": name, "PolicyName": Self.policy])
            _ = try await client.query("DeleteRole", of: .iam, ["RoleName": name])
        } catch let error as AWSError where error.code == .noSuchEntity {}
    }

    private static let policy = "own"
}

extension AWSError.Code {
    static let noSuchEntity = Self("NoSuchEntity")
}
