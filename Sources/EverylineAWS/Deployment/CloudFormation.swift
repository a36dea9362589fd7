import NIOCore

/// The stacks of an account in a region. All throw ``AWSError``.
struct CloudFormation: Sendable {
    let client: AWSClient

    /// A stack as it stands.
    struct Stack: Sendable, Equatable {
        let name: String
        /// Under which it is found also after it was deleted.
        let id: String
        let status: String
        let reason: String
        let parameters: [String: String]
        let outputs: [String: String]

        var isBusy: Bool { status.hasSuffix("_IN_PROGRESS") }
        /// Whether its last creation, update or deletion did what it should. A roll-back is complete, too, but did not.
        var isGood: Bool { status.hasSuffix("_COMPLETE") && !status.contains("ROLLBACK") }
        /// Whether it never was anything that can be updated.
        var isRemainder: Bool {
            ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"]
                .contains(status)
        }

        init(_ element: XMLElement) {
            func pairs(_ list: String, _ key: String, _ value: String) -> [String: String] {
                let found = (element[list]?.members ?? []).compactMap { member in
                    member[key].map { ($0.text, member[value]?.text ?? "") }
                }
                return Dictionary(found) { first, _ in first }
            }
            name = element["StackName"]?.text ?? ""
            id = element["StackId"]?.text ?? ""
            status = element["StackStatus"]?.text ?? ""
            reason = element["StackStatusReason"]?.text ?? ""
            parameters = pairs("Parameters", "ParameterKey", "ParameterValue")
            outputs = pairs("Outputs", "OutputKey", "OutputValue")
        }
    }

    /// Something that has happened to a stack or to one of its resources.
    struct Event: Sendable, Equatable {
        let id: String
        let resource: String
        let type: String
        let status: String
        let reason: String

        var isFailure: Bool { status.hasSuffix("_FAILED") }
        /// Whether it failed only because something else had failed before.
        var isConsequence: Bool { reason.lowercased().contains("cancelled") }
    }

    /// What the stack is to be made of.
    struct Plan: Sendable {
        let template: String
        /// `nil` for a value that stays as it is.
        let parameters: [String: String?]
        /// By which CloudFormation knows a repeated request again.
        let token: String
    }

    /// - Parameter name: the name, or the id, under which deleted stacks are found as well.
    /// - Returns: `nil` if there is no such stack.
    func stack(_ name: String) async throws -> Stack? {
        do {
            let answer = try await client.query("DescribeStacks", of: .cloudFormation, ["StackName": name])
            return answer["Stacks"]?.members.first.map(Stack.init)
        } catch let error as AWSError where error.code == .validation && error.message.contains("does not exist") {
            return nil
        }
    }

    /// - Returns: the new stack's id.
    func create(_ name: String, _ plan: Plan) async throws -> String {
        let answer = try await client.query(
            "CreateStack", of: .cloudFormation, form(name, plan) + [("OnFailure", "DELETE")])
        return answer["StackId"]?.text ?? name
    }

    /// - Returns: whether there is anything to update.
    func update(_ name: String, _ plan: Plan) async throws -> Bool {
        do {
            _ = try await client.query("UpdateStack", of: .cloudFormation, form(name, plan))
            return true
        } catch let error as AWSError where error.code == .validation && error.message.contains("No updates") {
            return false
        }
    }

    func delete(_ name: String, token: String) async throws {
        _ = try await client.query(
            "DeleteStack", of: .cloudFormation, ["StackName": name, "ClientRequestToken": token])
    }

    /// The parameters that a template takes. It is also checked.
    func parameters(of template: String) async throws -> Set<String> {
        let answer = try await client.query(
            "GetTemplateSummary", of: .cloudFormation, ["TemplateBody": template])
        return Set((answer["Parameters"]?.members ?? []).compactMap { $0["ParameterKey"]?.text })
    }

    /// The ids of a stack's resources, by their names in the template.
    func resources(of stack: String) async throws -> [String: String] {
        let answer = try await client.query(
            "DescribeStackResources", of: .cloudFormation, ["StackName": stack])
        let found = (answer["StackResources"]?.members ?? []).compactMap { member in
            member["LogicalResourceId"].map { ($0.text, member["PhysicalResourceId"]?.text ?? "") }
        }
        return Dictionary(found) { first, _ in first }
    }

    /// A page of what has happened to a stack, newest first.
    func events(of stack: String, after token: String? = nil) async throws -> (events: [Event], next: String?) {
        let answer = try await client.query(
            "DescribeStackEvents", of: .cloudFormation, ["StackName": stack, "NextToken": token])
        let events = (answer["StackEvents"]?.members ?? []).map { member in
            Event(
                id: member["EventId"]?.text ?? "", resource: member["LogicalResourceId"]?.text ?? "",
                type: member["ResourceType"]?.text ?? "", status: member["ResourceStatus"]?.text ?? "",
                reason: member["ResourceStatusReason"]?.text ?? "")
        }
        return (events, answer["NextToken"]?.text)
    }

    private func form(_ name: String, _ plan: Plan) -> [(String, String)] {
        var form = [
            ("StackName", name), ("TemplateBody", plan.template), ("Capabilities.member.1", "CAPABILITY_IAM"),
            ("ClientRequestToken", plan.token),
        ]
        for (index, parameter) in plan.parameters.sorted(by: { $0.key < $1.key }).enumerated() {
            let prefix = "Parameters.member.\(index + 1)"
            form.append(("\(prefix).ParameterKey", parameter.key))
            if let value = parameter.value {
                form.append(("\(prefix).ParameterValue", value))
            } else {
                form.append(("\(prefix).UsePreviousValue", "true"))
            }
        }
        return form
    }
}

extension AWSError.Code {
    /// CloudFormation's word for whatever it doesn't take.
    static let validation = Self("ValidationError")
}
