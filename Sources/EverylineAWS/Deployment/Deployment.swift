import Crypto
package import Everyline
import NIOCore

/// Deploys the AWS form into an account: looks whether that can go well, puts the functions' package into a bucket, and
/// has CloudFormation create or update the stack.
///
///     credentials ─► network ─► quotas ─► bucket, package ─► stack ─► address
///
/// A first deployment that fails leaves nothing behind: CloudFormation deletes what it had made, and this deletes the
/// package, and the bucket if it had made that.
package struct Deployment: Sendable {
    let client: AWSClient
    let cloudFormation: CloudFormation
    let progress: StackProgress
    let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    let say: @Sendable (String) -> Void

    /// How many functions must be able to run beside those of the three mappings: Ingest, Api and Connection.
    static let roomForOthers = 3

    /// - Parameters:
    ///   - clock: in which it waits between two looks at the stack.
    ///   - now: the wall clock, by which records expire.
    ///   - say: is given each line of progress.
    package init(
        client: AWSClient, clock: any Clock<Duration>, now: @escaping @Sendable () -> Timestamp,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.clock = clock
        self.now = now
        self.say = say
        cloudFormation = CloudFormation(client: client)
        progress = StackProgress(cloudFormation: cloudFormation, clock: clock, say: say)
    }

    /// Creates the stack, or updates the one that is there.
    ///
    /// - Throws: ``DeploymentError``, or ``AWSError`` in the service's words.
    package func deploy(_ plan: DeploymentPlan) async throws -> DeployedStack {
        let account = try await account()
        let existing = try await existingStack(plan.stack)
        let known = try await cloudFormation.parameters(of: plan.template)
        var parameters = plan.parameters
        if let unknown = parameters.keys.sorted().first(where: { !known.contains($0) }) {
            throw DeploymentError.noSuchParameter(unknown, known: known.sorted())
        }
        try await addNetwork(to: &parameters, plan, existing)
        try await checkQuotas(parameters.merging(existing?.parameters ?? [:]) { new, _ in new })
        if existing != nil, plan.waits { try await waitForOlderCommands(of: plan.stack) }
        let place = try await PackagePlace(plan, account: account, client: client, say: say)
        parameters["CodeBucket"] = place.bucket.name
        parameters["CodeKey"] = place.key
        let finished: CloudFormation.Stack
        do {
            finished = try await carryOut(plan, existing, parameters, known: known)
        } catch {
            if existing == nil { try await place.undo() }
            throw error
        }
        try await place.tidy(plan.stack)
        if existing != nil {
            for name in try await Profiles(stack: plan.stack, client: client).renew() {
                say("profile \(name): registered anew")
            }
        }
        guard let address = finished.outputs["Address"] else {
            throw DeploymentError.failed(
                stack: plan.stack, status: finished.status, reasons: ["The template has no output Address."])
        }
        return DeployedStack(address: address, isNew: existing == nil)
    }

    /// Whose credentials these are, in which region they are good.
    func account() async throws -> String {
        let identity: XMLElement
        do {
            identity = try await client.query("GetCallerIdentity", of: .sts, [:])
        } catch let error as AWSError where error.code == .transport {
            throw DeploymentError.unreachable(region: client.configuration.region, "\(error.message)")
        }
        let account = identity["Account"]?.text ?? ""
        say("account \(account), as \(identity["Arn"]?.text ?? "?"), in \(client.configuration.region)")
        return account
    }

    /// The stack as it stands once nothing is done to it any more, so that it can be updated; `nil` if there is none,
    /// or was none but what a failed creation had left, which is deleted.
    private func existingStack(_ name: String) async throws -> CloudFormation.Stack? {
        guard var stack = try await cloudFormation.stack(name) else { return nil }
        if stack.isBusy, !stack.isRemainder {
            say("stack \(name): an earlier run is under way (\(stack.status))")
            guard let settled = try await progress.follow(stack.id, after: try await progress.seen(stack.id)).stack
            else { return nil }
            stack = settled
        }
        if stack.status == "DELETE_COMPLETE" { return nil }
        guard stack.isRemainder else { return stack }
        say("stack \(name): what an earlier run left behind (\(stack.status)) is deleted")
        try await remove(stack)
        return nil
    }

    /// Deletes a stack, and follows that to its end.
    ///
    /// - Throws: ``DeploymentError/failed(stack:status:reasons:)`` with what could not be deleted.
    func remove(_ stack: CloudFormation.Stack) async throws {
        let seen = try await progress.seen(stack.id)
        try await cloudFormation.delete(stack.id, token: Self.token())
        let (left, failures) = try await progress.follow(stack.id, after: seen)
        if let left, left.status != "DELETE_COMPLETE" {
            throw DeploymentError.failed(stack: stack.name, status: left.status, reasons: Self.reasons(left, failures))
        }
    }

    private func carryOut(
        _ plan: DeploymentPlan, _ existing: CloudFormation.Stack?, _ parameters: [String: String], known: Set<String>
    ) async throws -> CloudFormation.Stack {
        // What the stack has and the plan doesn't name stays; what it hasn't takes the template's default.
        var values: [String: String?] = parameters.mapValues { $0 }
        for name in existing?.parameters.keys.filter(known.contains) ?? [] where values[name] == nil {
            values.updateValue(nil, forKey: name)
        }
        let change = CloudFormation.Plan(template: plan.template, parameters: values, token: Self.token())
        guard let existing else { return try await create(plan.stack, change) }
        let seen = try await progress.seen(existing.id)
        say("stack \(plan.stack): being updated")
        guard try await cloudFormation.update(existing.id, change) else {
            say("stack \(plan.stack): it is as it should be")
            return existing
        }
        let (stack, failures) = try await progress.follow(existing.id, after: seen)
        guard let stack, stack.isGood else {
            throw DeploymentError.failed(
                stack: plan.stack, status: stack?.status, reasons: Self.reasons(stack, failures))
        }
        say("stack \(plan.stack): \(stack.status)")
        return stack
    }

    private func create(_ name: String, _ change: CloudFormation.Plan) async throws -> CloudFormation.Stack {
        say("stack \(name): being created")
        let id = try await cloudFormation.create(name, change)
        let (stack, failures) = try await progress.follow(id, after: [])
        if let stack, stack.isGood, stack.status != "DELETE_COMPLETE" {
            say("stack \(name): \(stack.status)")
            return stack
        }
        let reasons = Self.reasons(stack, failures)
        // CloudFormation deletes it, and may be between two steps of that.
        if let stack, stack.status != "DELETE_COMPLETE" { try await remove(stack) }
        throw DeploymentError.failed(stack: name, status: nil, reasons: reasons)
    }

    private static func reasons(_ stack: CloudFormation.Stack?, _ failures: [CloudFormation.Event]) -> [String] {
        guard failures.isEmpty else {
            return failures.map { "\($0.resource) (\($0.type)): \($0.reason.isEmpty ? $0.status : $0.reason)" }
        }
        return (stack?.reason).flatMap { $0.isEmpty ? nil : [$0] } ?? []
    }

    /// By which a service knows a repeated request again.
    static func token() -> String {
        var generator = SystemGenerator()
        return "everyline-" + String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }
}
