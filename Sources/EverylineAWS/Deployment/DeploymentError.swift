/// Why a deployment did not go through, for the person who wanted it.
package enum DeploymentError: Error, Equatable, CustomStringConvertible {
    case unreachable(region: String, String)
    case noDefaultNetwork(region: String)
    case noSubnets(vpc: String)
    case subnetsOfSeveralNetworks([String])
    case noSecurityGroup(vpc: String)
    case noSuchParameter(String, known: [String])
    case tooFewFunctions(limit: Int, needed: Int)
    case tooFewProcessors(limit: Double, needed: Double)
    case foreignBucket(String)
    case unusableBucketName(String)
    case noStack(String)
    /// The API may pass roles under this path only.
    case roleElsewhere(String, path: String)
    case noRole(String)
    /// What failed by itself, and how the stack stands now; `nil` if there is none any more.
    case failed(stack: String, status: String?, reasons: [String])
    case takesTooLong(String)
    case noKey(String)
    /// So many commands of an older runner script still run.
    case olderCommands(Int)

    package var description: String {
        switch self {
        case .unreachable(let region, let reason):
            "AWS is not reached in \(region). Is that a region, and is there a network? (\(reason))"
        case .noDefaultNetwork(let region):
            "\(region) has no default VPC: name where commands run with --subnets (and --security-groups)."
        case .noSubnets(let vpc): "The default VPC \(vpc) has no default subnets: name some with --subnets."
        case .subnetsOfSeveralNetworks(let vpcs):
            "The subnets are of several VPCs (\(vpcs.joined(separator: ", "))), and tasks run in one."
        case .noSecurityGroup(let vpc): "\(vpc) has no default security group: name one with --security-groups."
        case .noSuchParameter(let name, let known):
            "The template has no parameter \(name); it has \(known.joined(separator: ", "))."
        case .tooFewFunctions(let limit, let needed):
            "The account may run \(limit) functions at once, and this deployment wants \(needed): have the quota "
                + "\"Concurrent executions\" of Lambda raised, or lower SequencerConcurrency, DeliveryConcurrency or "
                + "ReconcilerConcurrency (each at least 2) with --parameter."
        case .tooFewProcessors(let limit, let needed):
            "The account may use \(figure(limit)) vCPU of Fargate at once, and one command wants \(figure(needed)): have "
                + "the quota \"Fargate On-Demand vCPU resource count\" raised, or lower Cpu with --parameter."
        case .foreignBucket(let name):
            "The bucket \(name) belongs to another account, or is closed to you: name one with --bucket."
        case .unusableBucketName(let name):
            "\(name) is no name for a bucket: 3 to 63 of a-z, 0-9 and '-', and no '-' at either end."
        case .noStack(let name): "There is no stack \(name) in this region."
        case .roleElsewhere(let role, let path):
            "\(role) doesn't lie under \(path), and the API may pass no other role to a task. Make it so: "
                + "aws iam create-role --path \(path) …"
        case .noRole(let role): "There is no role \(role)."
        case .failed(let stack, let status, let reasons):
            "The stack \(stack) was not deployed"
                + (status.map { " and is \($0)" } ?? "; nothing of it is left")
                + (reasons.isEmpty ? "." : ":\n" + reasons.map { "  \($0)" }.joined(separator: "\n"))
        case .takesTooLong(let stack):
            "CloudFormation is still at work on \(stack). It goes on by itself; the same command follows it again."
        case .olderCommands(let count):
            "\(count) commands of an older runner script still run, and their lines would become notices. Nothing was changed; "
                + "--force doesn't wait for them."
        case .noKey(let reason):
            "The stack is deployed, but the API's function made no key: \(reason)\n  everyline-aws deploy --new-key makes one."
        }
    }
}

/// A number as people write it: `6`, `0.25`.
func figure(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
}
