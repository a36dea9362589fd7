import Everyline
import EverylineTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineAWS

@Suite("The AWS client")
struct AWSClientTests {
    private let clock = InstantClock()

    private func client(
        _ http: ScriptedHTTP, credentials: any CredentialSource = FixedCredentials(), attempts: Int = 4
    ) -> AWSClient {
        AWSClient(
            .init(region: "eu-central-1", retries: AWSRetryPolicy(attempts: attempts)), http: http,
            credentials: CredentialCache(credentials), clock: clock,
            now: { Timestamp(milliseconds: 1_440_938_160_000) })
    }

    private let queue = "https://sqs.eu-central-1.amazonaws.com/1/q.fifo"
    private let message = SQSQueue.Message("body", group: "g", deduplicationID: "d")

    @Test("sends an operation of a JSON protocol to its service's address, signed")
    func request() async throws {
        let http = ScriptedHTTP([.answer(200)])
        try await SQSQueue(queue, client: client(http)).send(message)
        let request = try #require(http.requests.first)
        #expect(request.url == "https://sqs.eu-central-1.amazonaws.com/")
        #expect(request.method == .POST)
        #expect(request.headers["X-Amz-Target"] == ["AmazonSQS.SendMessage"])
        #expect(request.headers["Content-Type"] == ["application/x-amz-json-1.0"])
        #expect(request.headers.first(name: "Authorization")?.contains("/eu-central-1/sqs/aws4_request") == true)
        #expect(
            String(buffer: request.body) == """
                {"MessageBody":"body","MessageDeduplicationId":"d","MessageGroupId":"g","QueueUrl":"\(queue)"}
                """)
    }

    @Test(
        "tries again what may pass, and waits in between",
        arguments: [
            .failure(.timedOut), .failure(.unreachable("x")), .answer(500), .answer(503),
            .answer(400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\"}"),
            .answer(429), .answer(400, "{\"__type\":\"com.amazon.coral.availability#RequestThrottled\"}"),
            .answer(400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionConflictException\"}"),
        ] as [ScriptedHTTP.Answer])
    func retried(_ answer: ScriptedHTTP.Answer) async throws {
        let http = ScriptedHTTP([answer, answer, .answer(200)])
        try await SQSQueue(queue, client: client(http)).send(message)
        #expect(http.requests.count == 3)
        #expect(clock.sleeps.count == 2)
    }

    @Test("gives up after its attempts, and says what the service said")
    func givesUp() async throws {
        let refusal = ScriptedHTTP.Answer.answer(
            400, "{\"__type\":\"x#ThrottlingException\",\"message\":\"slower\"}",
            headers: ["x-amzn-RequestId": "R1"])
        let http = ScriptedHTTP(Array(repeating: refusal, count: 9))
        let error = await #expect(throws: AWSError.self) {
            try await SQSQueue(queue, client: client(http)).send(message)
        }
        #expect(http.requests.count == 4)
        #expect(error?.code == .throttled)
        #expect(error?.operation == "sqs.SendMessage")
        #expect(error?.message == "slower")
        #expect(error?.requestID == "R1")
        #expect(error?.status == 400)
        #expect(error?.attempts == 4)
    }

    @Test("keeps the cause of a failure without an answer")
    func transport() async throws {
        let error = await #expect(throws: AWSError.self) {
            try await SQSQueue(queue, client: client(ScriptedHTTP([.failure(.timedOut)]), attempts: 1)).send(message)
        }
        #expect(error?.code == .transport)
        #expect(error?.cause as? AWSTransportError == .timedOut)
    }

    @Test("doesn't try again what would fail again", arguments: [400, 403, 404, 413])
    func permanent(_ status: Int) async throws {
        let http = ScriptedHTTP([.answer(status, "{\"__type\":\"ValidationException\"}")])
        await #expect(throws: AWSError.self) { try await SQSQueue(queue, client: client(http)).send(message) }
        #expect(http.requests.count == 1)
    }

    @Test("asks for new credentials once when the service calls them expired")
    func expired() async throws {
        let refusal = ScriptedHTTP.Answer.answer(400, "{\"__type\":\"ExpiredTokenException\"}")
        let source = CredentialCacheTests.Source(expiring: [nil, nil, nil])
        let http = ScriptedHTTP([refusal, .answer(200)])
        try await SQSQueue(queue, client: client(http, credentials: source)).send(message)
        #expect(source.calls == 2)
        let always = ScriptedHTTP(Array(repeating: refusal, count: 5))
        await #expect(throws: AWSError.self) { try await SQSQueue(queue, client: client(always)).send(message) }
        #expect(always.requests.count == 2)
    }

    @Test("says why there are no credentials, and sends nothing")
    func noCredentials() async throws {
        let http = ScriptedHTTP([])
        let error = await #expect(throws: AWSError.self) {
            try await SQSQueue(queue, client: client(http, credentials: CredentialChain([]))).send(message)
        }
        #expect(error?.code == .credentials)
        #expect(http.requests.isEmpty)
    }

    @Test("stops trying again when too much of what it sends fails")
    func budget() async throws {
        let http = ScriptedHTTP(Array(repeating: .answer(500), count: 1000))
        let queue = SQSQueue(queue, client: client(http))
        for _ in 0..<100 {
            await #expect(throws: AWSError.self) { try await queue.send(message) }
        }
        // 100 first attempts, and as many others as the budget of 500 pays for at 5 each.
        #expect(http.requests.count == 200)
    }

    @Test("posts to a connection under its encoded id, and again only if there was no answer")
    func post() async throws {
        let http = ScriptedHTTP([
            .answer(429), .answer(410), .answer(200), .failure(.unreachable("closed")), .answer(200),
        ])
        let endpoint = try #require(AWSEndpoint("https://api.execute-api.eu-central-1.amazonaws.com/production"))
        let connections = APIGatewayConnections(endpoint, client: client(http))
        func code() async -> AWSError.Code? {
            do {
                try await connections.post(ByteBuffer(string: "x"), to: "abc=")
                return nil
            } catch {
                return (error as? AWSError)?.code
            }
        }
        #expect(await [code(), code(), code(), code()] == [.unknown, .gone, nil, nil])
        #expect(Set(http.requests.map(\.path)) == ["/production/@connections/abc%3D"])
        #expect(http.requests.count == 5)
    }

    @Test("sends the part of a batch again that the queue didn't take, in order")
    func partialBatch() async throws {
        let failure = """
            {"Successful":[],"Failed":[{"Id":"m1","Code":"InternalError","SenderFault":false}]}
            """
        let http = ScriptedHTTP([.answer(200, failure), .answer(200)])
        let messages = ["a", "b", "c"].map { SQSQueue.Message($0, group: "g", deduplicationID: $0) }
        try await SQSQueue(queue, client: client(http)).send(messages)
        let bodies = http.requests.map { String(buffer: $0.body) }
        #expect(bodies.count == 2)
        #expect(bodies[0].contains("\"MessageBody\":\"a\""))
        #expect(!bodies[1].contains("\"MessageBody\":\"a\""))
        #expect(bodies[1].contains("\"MessageBody\":\"b\"") && bodies[1].contains("\"MessageBody\":\"c\""))
    }

    @Test("cuts messages into batches of ten and of 256 KiB")
    func batches() {
        func sizes(_ bytes: [Int]) -> [Int] {
            SQSQueue.batches(
                bytes.map { SQSQueue.Message(String(repeating: "x", count: $0), group: "g", deduplicationID: "d") }
            ).map(\.count)
        }
        #expect(sizes(Array(repeating: 1, count: 21)) == [10, 10, 1])
        #expect(sizes([SQSQueue.messageLimit, 1, 2]) == [1, 2])
        #expect(sizes([100_000, 100_000, 100_000]) == [2, 1])
        #expect(sizes([]) == [])
    }
}
