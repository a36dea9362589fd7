package import NIOCore

/// What is to be deployed.
package struct DeploymentPlan: Sendable {
    package var stack: String
    /// CloudFormation's, as text.
    package var template: String
    /// All functions' package.
    package var package: ByteBuffer
    /// Those of the template that were named; on an update the others stay as they are.
    package var parameters: [String: String]
    package var subnets: [String]
    package var securityGroups: [String]
    /// Where the package is put; `nil` for one by the account and the region, which is made if it isn't there.
    package var bucket: String?
    /// Whether an update waits for the commands that an older runner script runs.
    package var waits: Bool

    package init(
        stack: String, template: String, package: ByteBuffer, parameters: [String: String] = [:],
        subnets: [String] = [], securityGroups: [String] = [], bucket: String? = nil, waits: Bool = true
    ) {
        self.stack = stack
        self.template = template
        self.package = package
        self.parameters = parameters
        self.subnets = subnets
        self.securityGroups = securityGroups
        self.bucket = bucket
        self.waits = waits
    }
}

/// What was deployed.
package struct DeployedStack: Sendable, Equatable {
    /// What clients are told.
    package let address: String
    /// Whether the stack is new.
    package let isNew: Bool
}
