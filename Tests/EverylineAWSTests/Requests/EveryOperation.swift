import Everyline
import EverylineAWS
import NIOCore

/// Asks for every operation that there is, in every form that it has.
struct EveryOperation {
    let client: AWSClient

    func run() async throws {
        try await dynamoDB()
        try await sqs()
        try await logs()
        try await ecs()
        try await connections()
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
    }

    private func connections() async throws {
        let endpoint = AWSEndpoint(host: "api.execute-api.eu-central-1.amazonaws.com", basePath: "/production")
        let connections = APIGatewayConnections(endpoint, client: client)
        try await connections.post(ByteBuffer(string: "{\"ü\":1}"), to: "L0SM9cOFvHcCIhw=")
        try await connections.delete("L0SM9cOFvHcCIhw=")
        _ = try await connections.get("a+b/c==")
    }
}
