import Everyline
import NIOCore

@testable import EverylineAWS

/// Asks for every operation that there is, in every form that it has.
struct EveryOperation {
    let client: AWSClient

    func run() async throws {
        try await dynamoDB()
        try await sqs()
        try await logs()
        try await ecs()
        try await connections()
        try await stacks()
        try await bucket()
        try await roles()
        // Whatever it finds: it asks for everything.
        let findings = try await AWSDoctor("everyline", client: client, probe: "p", now: { .epoch }).findings()
        precondition(findings.contains { $0.verdict == .wrong })
    }

    private func dynamoDB() async throws {
        let table = DynamoDBTable("everyline", client: client)
        let key = DynamoDBTable.Key("E#e", "META")
        let item = key.attributes.merging([
            "a": .string("ü/\"\n"), "b": .number(-1), "c": .binary(ByteBuffer(bytes: 0...255)), "d": .boolean(true),
            "e": .list([.string(""), .number(.max)]),
        ]) { $1 }
        let condition = DynamoDBExpression("a = :a AND attribute_exists(pk)", [":a": .number(1)])
        let update = DynamoDBExpression("SET b = :b REMOVE c", [":b": .string("x")])
        _ = try await table.get(key)
        try await table.put(item)
        try await table.put(item, if: DynamoDBExpression("attribute_not_exists(pk)"))
        try await table.put(item, if: condition)
        try await table.update(key, update)
        try await table.update(key, DynamoDBExpression("REMOVE c"), if: condition)
        try await table.delete(key)
        try await table.delete(key, if: condition)
        var query = DynamoDBTable.Query("E#e", beginningWith: "L#")
        _ = try await table.query(query)
        query.isAscending = false
        query.limit = 3
        query.filter = condition
        query.projection = "pk, sk"
        _ = try await table.query(query, from: key.attributes)
        _ = try await table.get([key, DynamoDBTable.Key("E#f", "META")])
        _ = try await table.transact(
            [
                .put(item, if: condition), .put(item, if: nil), .update(key, update, if: condition),
                .delete(key, if: nil), .delete(key, if: condition),
            ], token: "0123456789abcdef0123456789abcdef")
    }

    private func sqs() async throws {
        let queue = SQSQueue("https://sqs.eu-central-1.amazonaws.com/123456789012/logs-events.fifo", client: client)
        let message = SQSQueue.Message("{\"ü\":\"\n\"}", group: "g", deduplicationID: "d")
        try await queue.send(message)
        try await queue.send([message, message])
        try await queue.send("{}", after: .seconds(20))
        try await queue.delete("receipt")
        try await queue.changeVisibility("receipt", timeout: .seconds(5))
        _ = try await queue.depth()
    }

    private func logs() async throws {
        let logs = CloudWatchLogs(client)
        _ = try await logs.filter(group: "/everyline/commands", stream: "run/command/id")
        _ = try await logs.filter(
            group: "/everyline/commands", stream: "run/command/id", from: Timestamp(milliseconds: 1),
            to: Timestamp(milliseconds: 2), limit: 10, token: "t")
        _ = try await logs.groups(beginningWith: "/everyline")
    }

    private func ecs() async throws {
        let cluster = ECSCluster("everyline", client: client)
        _ = try await cluster.run(
            ECSCluster.NewTask(
                taskDefinition: "everyline-command:3", container: "command", command: ["sh", "-c", "echo ü"],
                environment: ["A": "1", "B": ""], subnets: ["subnet-1"], securityGroups: ["sg-1"],
                assignsPublicIP: true, startedBy: "01hv", clientToken: "01hv"))
        _ = try await cluster.task(startedBy: "01hv")
        try await cluster.stop("arn:aws:ecs:eu-central-1:1:task/c/t", reason: "asked for")
        _ = try await cluster.describe(["arn:aws:ecs:eu-central-1:1:task/c/t"])
        _ = try await cluster.run(
            ECSCluster.NewTask(
                taskDefinition: "everyline-profile-tools:1", container: "command", command: ["true"], environment: [:],
                cpu: 1024, memory: 2048, subnets: ["subnet-1"], securityGroups: ["sg-1"], assignsPublicIP: false,
                startedBy: "01hv", clientToken: "01hv"))
        let definitions = TaskDefinitions(client: client)
        let base = try await definitions.definition("everyline-command")
        let profile = CommandProfile(
            name: "tools", image: "i", role: "arn:aws:iam::1:role/everyline/everyline/r", cpu: 512, memory: 1024,
            secrets: ["TOKEN": "arn:aws:ssm:eu-central-1:1:parameter/t"])
        _ = try await definitions.register(
            TaskDefinitions.New(
                family: "everyline-profile-tools", base: base, container: base.containers[0], profile: profile,
                executionRole: "arn:aws:iam::1:role/x"))
        try await definitions.deregister("everyline-profile-tools:1")
    }

    private func stacks() async throws {
        let stacks = CloudFormation(client: client)
        let plan = CloudFormation.Plan(
            template: "Resources: {ü: \"&=+ \"}\n", parameters: ["A": "b &=+~", "C": nil], token: "everyline-1")
        _ = try await stacks.stack("everyline")
        _ = try await stacks.create("everyline", plan)
        _ = try await stacks.update("everyline", plan)
        try await stacks.delete("everyline", token: "everyline-2")
        _ = try await stacks.parameters(of: plan.template)
        _ = try await stacks.resources(of: "everyline")
        _ = try await stacks.events(of: "everyline")
        _ = try await stacks.events(of: "everyline", after: "t")
        let network = EC2Network(client: client)
        _ = try await network.defaultVPC()
        _ = try await network.defaultSubnets(of: "vpc-1")
        _ = try await network.subnets(["subnet-1", "subnet-2"])
        _ = try await network.defaultSecurityGroup(of: "vpc-1")
        _ = try await Deployment(client: client, clock: ContinuousClock(), now: { .epoch }, say: { _ in }).account()
        let quotas = AccountQuotas(client: client)
        _ = try await quotas.functions()
        _ = try await quotas.fargateProcessors()
        _ = try await DeployedFunctions(client: client).invoke("everyline-api", ["a": "ü"])
    }

    private func bucket() async throws {
        let bucket = S3Bucket(name: "everyline-1-eu-central-1", account: "123456789012", client: client)
        _ = try await bucket.exists()
        try await bucket.make()
        _ = try await bucket.has("everyline/0123abcd.zip")
        try await bucket.put(ByteBuffer(bytes: 0...255), at: "everyline/0123abcd.zip")
        _ = try await bucket.keys(beginningWith: "everyline/")
        try await bucket.delete("everyline/0123abcd.zip")
        _ = try await bucket.remove()
    }

    private func roles() async throws {
        let roles = RoleMaking(client: client)
        _ = try await roles.role("r")
        _ = try await roles.make(
            "r", under: "/everyline/everyline/",
            may: [.init(action: ["ssm:GetParameters"], resource: ["arn:aws:ssm:eu-central-1:1:parameter/t"])])
        try await roles.delete("r")
    }

    private func connections() async throws {
        let endpoint = AWSEndpoint(host: "api.execute-api.eu-central-1.amazonaws.com", basePath: "/production")
        let connections = APIGatewayConnections(endpoint, client: client)
        try await connections.post(ByteBuffer(string: "{\"ü\":1}"), to: "L0SM9cOFvHcCIhw=")
        try await connections.delete("L0SM9cOFvHcCIhw=")
        _ = try await connections.get("a+b/c==")
    }
}
