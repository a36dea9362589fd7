/// The readings of EC2 that a deployment needs. All throw ``AWSError``.
struct EC2Network: Sendable {
    let client: AWSClient

    struct Subnet: Sendable, Equatable {
        let id: String
        let vpc: String
    }

    /// `nil` if the region has no default VPC (any more).
    func defaultVPC() async throws -> String? {
        try await list("DescribeVpcs", "vpcSet", filters: [("is-default", "true")]).first?["vpcId"]?.text
    }

    /// The subnets of a VPC that AWS has made in each zone, whose instances get public addresses.
    func defaultSubnets(of vpc: String) async throws -> [Subnet] {
        try await list("DescribeSubnets", "subnetSet", filters: [("vpc-id", vpc), ("default-for-az", "true")])
            .map(Self.subnet)
    }

    /// - Throws: also if one isn't there.
    func subnets(_ ids: [String]) async throws -> [Subnet] {
        try await list("DescribeSubnets", "subnetSet", [("SubnetId", ids)]).map(Self.subnet)
    }

    /// The group that each VPC has, which lets everything out.
    func defaultSecurityGroup(of vpc: String) async throws -> String? {
        try await list(
            "DescribeSecurityGroups", "securityGroupInfo", filters: [("vpc-id", vpc), ("group-name", "default")]
        )
        .first?["groupId"]?.text
    }

    private static func subnet(_ element: XMLElement) -> Subnet {
        Subnet(id: element["subnetId"]?.text ?? "", vpc: element["vpcId"]?.text ?? "")
    }

    private func list(
        _ action: String, _ set: String, _ lists: [(String, [String])] = [], filters: [(String, String)] = []
    ) async throws -> [XMLElement] {
        var form: [(String, String)] = []
        for (name, values) in lists {
            for (index, value) in values.enumerated() { form.append(("\(name).\(index + 1)", value)) }
        }
        for (index, filter) in filters.enumerated() {
            form.append(("Filter.\(index + 1).Name", filter.0))
            form.append(("Filter.\(index + 1).Value.1", filter.1))
        }
        return try await client.query(action, of: .ec2, form)[set]?.members ?? []
    }
}
