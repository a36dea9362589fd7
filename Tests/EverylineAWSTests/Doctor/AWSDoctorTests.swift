import Everyline
import EverylineTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineAWS

/// Answers for a deployment that is as it must be, but for what a test says otherwise.
private struct Deployment: AWSHTTP {
    /// By operation, or by the last part of a path.
    var answers: [String: String] = [:]

    static let healthy = [
        "configuration": """
        {"State":"Active","LastUpdateStatus":"Successful","Runtime":"provided.al2023","Environment":{"Variables":{
        "EVERYLINE_TABLE":"t","EVERYLINE_LOG_GROUP":"/commands","EVERYLINE_TASK_DEFINITION":"d:1","EVERYLINE_CLUSTER":"c",
        "LogsEventsQueueURL":"https://sqs/1/logs.fifo","DeliveriesQueueURL":"https://sqs/1/logs.fifo",
        "ReconcileQueueURL":"https://sqs/1/reconcile",
        "EVERYLINE_CONNECTIONS_URL":"https://api/live"}}}
        """,
        "DescribeTable": """
        {"Table":{"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
        {"AttributeName":"sk","KeyType":"RANGE"}]}}
        """,
        "DescribeTimeToLive":
            "{\"TimeToLiveDescription\":{\"AttributeName\":\"expires_s\",\"TimeToLiveStatus\":\"ENABLED\"}}",
        "Query": "{\"Items\":[]}",
        "GetItem": "{}", "DeleteItem": "{}",
        "GetQueueAttributes": """
        {"Attributes":{"FifoQueue":"true","ContentBasedDeduplication":"false","ApproximateNumberOfMessages":"0",
        "RedrivePolicy":"{\\"deadLetterTargetArn\\":\\"arn:aws:sqs:r:1:dead.fifo\\",\\"maxReceiveCount\\":30}"}}
        """,
        "event-source-mappings": """
        {"EventSourceMappings":[{"EventSourceArn":"arn:aws:sqs:r:1:logs.fifo","State":"Enabled",
        "FunctionResponseTypes":["ReportBatchItemFailures"]},{"EventSourceArn":"arn:aws:sqs:r:1:reconcile",
        "State":"Enabled","FunctionResponseTypes":["ReportBatchItemFailures"]}]}
        """,
        "DescribeLogGroups": "{\"logGroups\":[{\"logGroupName\":\"/commands\",\"retentionInDays\":30}]}",
        "DescribeSubscriptionFilters": """
        {"subscriptionFilters":[{"filterPattern":"","destinationArn":"arn:aws:lambda:r:1:function:s-ingest"}]}
        """,
        "DescribeTaskDefinition": """
        {"taskDefinition":{"containerDefinitions":[{"name":"command","logConfiguration":{"logDriver":"awslogs",
        "options":{"awslogs-group":"/commands","mode":"blocking"}}}]}}
        """,
    ]

    private static let item = "{\"pk\":{\"S\":\"DOCTOR#p\"},\"sk\":{\"S\":\"PROBE\"},\"probe\":{\"S\":\"p\"}}"

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        let name =
            request.headers.first(name: "X-Amz-Target").map { $0.split(separator: ".")[1] }
            ?? request.path.split(separator: "/").last ?? ""
        // The queue of reconciling keeps no order.
        if name == "GetQueueAttributes", answers[String(name)] == nil,
            String(buffer: request.body).contains("reconcile"),
            let answer = Self.healthy[String(name)]?.replacing("\"FifoQueue\":\"true\",", with: "")
        {
            return AWSHTTPResponse(status: 200, body: ByteBuffer(string: answer))
        }
        if let answer = answers[String(name)] ?? Self.healthy[String(name)] {
            return AWSHTTPResponse(status: 200, body: ByteBuffer(string: answer))
        }
        // What must be refused is.
        let refusal =
            switch name {
            case "PutItem": "{\"__type\":\"ConditionalCheckFailedException\",\"Item\":\(Self.item)}"
            case "TransactWriteItems":
                """
                {"__type":"TransactionCanceledException","CancellationReasons":[{"Code":"ConditionalCheckFailed",
                "Item":\(Self.item)},{"Code":"None"}]}
                """
            default: "{}"
            }
        return AWSHTTPResponse(status: request.method == .GET ? 410 : 400, body: ByteBuffer(string: refusal))
    }
}

/// Passes the first write of an item.
private final class FirstPut: AWSHTTP {
    private let deployment: Deployment
    private let counter = CounterOfPuts()

    init(_ deployment: Deployment) { self.deployment = deployment }

    private actor CounterOfPuts {
        private var count = 0
        func isFirst() -> Bool {
            count += 1
            return count == 1
        }
    }

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        if request.headers["X-Amz-Target"] == ["DynamoDB_20120810.PutItem"], await counter.isFirst() {
            return AWSHTTPResponse(status: 200, body: ByteBuffer(string: "{}"))
        }
        return try await deployment.send(request, timeout: timeout)
    }
}

@Suite("A doctor")
struct AWSDoctorTests {
    private func findings(_ answers: [String: String] = [:]) async throws -> [DoctorFinding] {
        let client = AWSClient(
            .init(region: "r"), http: FirstPut(Deployment(answers: answers)),
            credentials: CredentialCache(FixedCredentials()), clock: InstantClock(), now: { .epoch })
        return try await AWSDoctor("s", client: client, probe: "p", now: { .epoch }).findings()
    }

    @Test("finds nothing wrong with what is as it must be")
    func healthy() async throws {
        let findings = try await findings()
        #expect(findings.count == 44)
        #expect(findings.filter { $0.verdict != .good } == [])
    }

    @Test(
        "finds what is wrong",
        arguments: [
            ("DescribeTable", "\"pk\"", "\"id\"", "no record is found"),
            ("DescribeTimeToLive", "ENABLED", "DISABLED", "takes space for ever"),
            ("GetQueueAttributes", "\"FifoQueue\":\"true\",", "", "no FIFO queue"),
            (
                "GetQueueAttributes", "\"ContentBasedDeduplication\":\"false\"",
                "\"ContentBasedDeduplication\":\"true\"", "drops a message"
            ),
            ("GetQueueAttributes", "RedrivePolicy", "x", "blocks its group"),
            (
                "GetQueueAttributes", "\"ApproximateNumberOfMessages\":\"0\"", "\"ApproximateNumberOfMessages\":\"3\"",
                "3 dead letters"
            ),
            ("event-source-mappings", "Enabled", "Disabled", "doesn't call s-sequencer"),
            ("event-source-mappings", "ReportBatchItemFailures", "x", "a whole batch"),
            ("DescribeLogGroups", ",\"retentionInDays\":30", "", "for ever"),
            ("DescribeLogGroups", "/commands", "/commands-2", "commands can't write"),
            ("DescribeSubscriptionFilters", "s-ingest", "other", "nothing of it goes"),
            ("DescribeSubscriptionFilters", "\"filterPattern\":\"\"", "\"filterPattern\":\"x\"", "only a part"),
            ("DescribeTaskDefinition", "blocking", "non-blocking", "drops lines"),
            ("DescribeTaskDefinition", "awslogs\",", "fluentd\",", "doesn't write to /commands"),
            ("configuration", "Active", "Failed", "it is Failed"),
            ("configuration", "provided.al2023", "python3.13", "isn't made"),
        ])
    func wrong(operation: String, part: String, other: String, text: String) async throws {
        let answer = try #require(Deployment.healthy[operation]).replacing(part, with: other)
        let found = try await findings([operation: answer]).filter { $0.verdict == .wrong }
        #expect(found.contains { $0.text.contains(text) })
    }

    @Test("finds out that conditions don't hold writes back")
    func conditions() async throws {
        for operation in ["PutItem", "TransactWriteItems"] {
            let found = try await findings([operation: "{}"]).filter { $0.verdict == .wrong }
            #expect(found.count == 1)
            #expect(found.first?.text.contains("was not refused") == true)
        }
    }

    @Test("names an execution whose record is damaged")
    func damaged() async throws {
        let found = try await findings([
            "Query": "{\"Items\":[{\"sk\":{\"S\":\"1\"},\"execution_id\":{\"S\":\"broken\"}}]}",
            "BatchGetItem": "{\"Responses\":{\"t\":[{\"pk\":{\"S\":\"E#broken\"},\"sk\":{\"S\":\"META\"}}]}}",
        ]).filter { $0.verdict == .wrong }
        #expect(found.map(\.subject) == ["table t"])
        #expect(found.first?.text.contains("broken") == true)
    }

    @Test("says what it can't look at, and goes on")
    func unknown() async throws {
        let found = try await findings(["DescribeTable": "[]", "configuration": "{}"])
        #expect(found.contains { $0.subject == "table" && $0.verdict == .unknown })
        #expect(found.filter { $0.verdict == .wrong }.count == 7)
    }
}
