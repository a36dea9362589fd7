/// What destroying a stack takes away, and what it leaves.
package struct DestructionPlan: Sendable {
    /// The table: every execution and its log.
    package let table: String
    /// Commands' output in CloudWatch.
    package let logGroup: String
    let stack: CloudFormation.Stack
    let bucket: S3Bucket?
    /// The stack's packages in the bucket.
    let packages: [String]
}

extension Deployment {
    /// Looks what there is to destroy.
    ///
    /// - Throws: ``DeploymentError/noStack(_:)``, ``AWSError``.
    package func destruction(of name: String) async throws -> DestructionPlan {
        let account = try await account()
        guard let stack = try await cloudFormation.stack(name) else { throw DeploymentError.noStack(name) }
        // A bucket that was named may hold more than ours.
        let own = PackagePlace.defaultBucket(account: account, region: client.configuration.region)
        var bucket: S3Bucket?
        if stack.parameters["CodeBucket"] == own {
            let found = S3Bucket(name: own, account: account, client: client)
            if try await found.exists() { bucket = found }
        }
        return DestructionPlan(
            table: stack.outputs["TableName"] ?? "?", logGroup: stack.outputs["CommandsLogGroupName"] ?? "?",
            stack: stack, bucket: bucket,
            packages: try await bucket?.keys(beginningWith: PackagePlace.prefix(of: name)) ?? [])
    }

    /// Deletes the stack and its packages. Another stack's packages stay, and the bucket with them.
    ///
    /// - Throws: ``DeploymentError``, ``AWSError``.
    package func destroy(_ plan: DestructionPlan) async throws {
        let profiles = Profiles(stack: plan.stack.name, client: client)
        for profile in try await profiles.all() {
            _ = try await profiles.remove(profile.name)
            say("profile \(profile.name): removed")
        }
        say("stack \(plan.stack.name): being deleted")
        try await remove(plan.stack)
        say("stack \(plan.stack.name): deleted")
        guard let bucket = plan.bucket else { return }
        for key in plan.packages { try await bucket.delete(key) }
        if try await bucket.remove() {
            say("bucket \(bucket.name): deleted")
        } else {
            say("bucket \(bucket.name): kept, as there is more in it")
        }
    }
}
