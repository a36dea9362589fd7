extension Deployment {
    /// Says where commands run: where it was said, where the stack has them already, or else in the default VPC.
    func addNetwork(
        to parameters: inout [String: String], _ plan: DeploymentPlan, _ existing: CloudFormation.Stack?
    ) async throws {
        let network = EC2Network(client: client)
        let subnets: [EC2Network.Subnet]
        if !plan.subnets.isEmpty {
            subnets = try await network.subnets(plan.subnets)
        } else if parameters["Subnets"] != nil || existing?.parameters["Subnets"] != nil {
            if !plan.securityGroups.isEmpty {
                parameters["SecurityGroups"] = plan.securityGroups.joined(separator: ",")
            }
            return
        } else {
            guard let vpc = try await network.defaultVPC() else {
                throw DeploymentError.noDefaultNetwork(region: client.configuration.region)
            }
            subnets = try await network.defaultSubnets(of: vpc)
            guard !subnets.isEmpty else { throw DeploymentError.noSubnets(vpc: vpc) }
        }
        let vpcs = Set(subnets.map(\.vpc)).sorted()
        guard vpcs.count == 1 else { throw DeploymentError.subnetsOfSeveralNetworks(vpcs) }
        var groups = plan.securityGroups
        if groups.isEmpty {
            guard let group = try await network.defaultSecurityGroup(of: vpcs[0]) else {
                throw DeploymentError.noSecurityGroup(vpc: vpcs[0])
            }
            groups = [group]
        }
        parameters["Subnets"] = subnets.map(\.id).joined(separator: ",")
        parameters["SecurityGroups"] = groups.joined(separator: ",")
        say(
            "network \(vpcs[0]): subnets \(subnets.map(\.id).joined(separator: ", ")); security groups "
                + groups.joined(separator: ", "))
    }

    /// What would let commands or lines wait for ever is an error; what can't be looked at is said.
    ///
    /// - Parameter parameters: as the stack will have them; what isn't there has the template's default.
    func checkQuotas(_ parameters: [String: String]) async throws {
        let quotas = AccountQuotas(client: client)
        let mappings = [("SequencerConcurrency", 2), ("DeliveryConcurrency", 3), ("ReconcilerConcurrency", 2)]
        let needed =
            mappings.reduce(Self.roomForOthers) { sum, mapping in
                sum + (parameters[mapping.0].flatMap { Int($0) } ?? mapping.1)
            }
        if let limit = try await known("how many functions may run at once", quotas.functions) {
            guard limit >= needed else { throw DeploymentError.tooFewFunctions(limit: limit, needed: needed) }
            say("quota: \(limit) functions at once, of which this takes up to \(needed)")
        }
        let processors = Double(parameters["Cpu"].flatMap { Int($0) } ?? 256) / 1024
        if let limit = try await known("how much of Fargate may be used at once", quotas.fargateProcessors) {
            guard limit >= processors else {
                throw DeploymentError.tooFewProcessors(limit: limit, needed: processors)
            }
            say(
                "quota: \(figure(limit)) vCPU of Fargate at once, which are \(Int(limit / processors)) commands of "
                    + figure(processors))
        }
    }

    /// - Returns: `nil` if the caller may not ask; that is no reason not to deploy.
    private func known<Value>(_ what: String, _ ask: () async throws -> Value) async throws -> Value? {
        do {
            return try await ask()
        } catch let error as AWSError where error.status.map({ (400..<500).contains($0) }) == true {
            say("quota: it isn't known \(what) (\(error.code))")
            return nil
        }
    }
}
