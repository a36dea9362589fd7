import EverylineAWS
import NIOCore
import Testing

@Suite("An event of Lambda's")
struct LambdaEventTests {
    private func decode<Event: Decodable>(_ type: Event.Type, _ text: String) throws -> Event {
        try LambdaEvent.decode(type, from: ByteBuffer(string: text))
    }

    private func encode(_ answer: some Encodable) throws -> String {
        String(buffer: try LambdaEvent.encode(answer))
    }

    @Test("of a queue gives the messages with their groups")
    func queue() throws {
        let event = try decode(
            SQSEvent.self,
            """
            {"Records":[{"messageId":"11d6ee51-4cc7-4302-9e22-7cd8afdaadf5","receiptHandle":"AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw",
            "body":"Test message.","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1573251510774",
            "SequenceNumber":"18849496460467696128","MessageGroupId":"1","SenderId":"AIDAIO23YVJENQZJOL4VO",
            "MessageDeduplicationId":"1","ApproximateFirstReceiveTimestamp":"1573251510774"},"messageAttributes":{},
            "md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",
            "eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:fifo.fifo","awsRegion":"us-east-2"}]}
            """)
        let record = try #require(event.records.first)
        #expect(record.messageID == "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5")
        #expect(record.body == "Test message.")
        #expect(record.attributes.group == "1")
        #expect(record.attributes.receiveCount == 1)
        #expect(
            try encode(SQSBatchResponse(unprocessed: ["a", "b"]))
                == "{\"batchItemFailures\":[{\"itemIdentifier\":\"a\"},{\"itemIdentifier\":\"b\"}]}")
        #expect(try encode(SQSBatchResponse()) == "{\"batchItemFailures\":[]}")
    }

    @Test("of a WebSocket API gives the connection and what came over it")
    func webSocket() throws {
        let connect = try decode(
            WebSocketEvent.self,
            """
            {"headers":{"Host":"abc.execute-api.us-east-1.amazonaws.com","Sec-WebSocket-Protocol":"everyline.v1"},
            "multiValueHeaders":{},"queryStringParameters":{"token":"a b"},"requestContext":{"routeKey":"$connect",
            "eventType":"CONNECT","extendedRequestId":"x","requestTime":"20/Sep/2023:13:32:15 +0000",
            "messageDirection":"IN","stage":"production","connectedAt":1695216735712,"requestTimeEpoch":1695216735713,
            "identity":{"sourceIp":"192.0.2.1"},"requestId":"LiVEBFpuvHcFVfw=","domainName":"abc.example.com",
            "connectionId":"LiVEBd8uPHcCJVw=","apiId":"abc"},"isBase64Encoded":false}
            """)
        #expect(connect.requestContext.eventType == .connect)
        #expect(connect.requestContext.connectionID == "LiVEBd8uPHcCJVw=")
        #expect(connect.header("sec-websocket-protocol") == "everyline.v1")
        #expect(connect.queryStringParameters == ["token": "a b"])
        let message = try decode(
            WebSocketEvent.self,
            """
            {"requestContext":{"routeKey":"resume","messageId":"m","eventType":"MESSAGE","connectionId":"c"},
            "body":"{\\"action\\":\\"resume\\"}","isBase64Encoded":false}
            """)
        #expect(message.body == "{\"action\":\"resume\"}")
        let gone = try decode(
            WebSocketEvent.self,
            """
            {"requestContext":{"routeKey":"$disconnect","eventType":"DISCONNECT","disconnectStatusCode":1006,
            "connectionId":"c"}}
            """)
        #expect(gone.requestContext.eventType == .disconnect)
        #expect(
            try encode(WebSocketResponse(statusCode: 200, headers: ["Sec-WebSocket-Protocol": "everyline.v1"]))
                == "{\"headers\":{\"Sec-WebSocket-Protocol\":\"everyline.v1\"},\"statusCode\":200}")
    }

    @Test("of an HTTP API gives the request, its body decoded", arguments: [true, false])
    func http(isBase64Encoded: Bool) throws {
        let event = try decode(
            HTTPAPIEvent.self,
            """
            {"version":"2.0","routeKey":"$default","rawPath":"/api/v1/run","rawQueryString":"a=1&b=%20","cookies":["c=1"],
            "headers":{"x-api-key":"k"},"requestContext":{"accountId":"1","apiId":"i","domainName":"d.example.com",
            "domainPrefix":"d","http":{"method":"POST","path":"/api/v1/run","protocol":"HTTP/1.1",
            "sourceIp":"192.0.2.1","userAgent":"u"},"requestId":"r","routeKey":"$default","stage":"$default",
            "time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390},
            "body":"\(isBase64Encoded ? "aGVsbG8=" : "hello")","isBase64Encoded":\(isBase64Encoded)}
            """)
        #expect(event.requestContext.http.method == "POST")
        #expect(event.rawPath == "/api/v1/run")
        #expect(event.rawQueryString == "a=1&b=%20")
        #expect(event.headers == ["x-api-key": "k"])
        #expect(String(buffer: try event.bytes()) == "hello")
    }

    @Test("of an HTTP API is answered in text, or in base64 where it isn't text")
    func httpAnswer() throws {
        let text = HTTPAPIResponse(statusCode: 200, headers: [:], body: ByteBuffer(string: "a/ü"))
        #expect(text.body == "a/ü" && !text.isBase64Encoded)
        let bytes = HTTPAPIResponse(statusCode: 200, headers: [:], body: ByteBuffer(bytes: [0xFF, 0xFE]))
        #expect(bytes.body == "//4=" && bytes.isBase64Encoded)
    }

    @Test("of EventBridge says how a task stopped")
    func task() throws {
        let event = try decode(
            ECSTaskStateChangeEvent.self,
            """
            {"version":"0","id":"3317b2af","detail-type":"ECS Task State Change","source":"aws.ecs","account":"1",
            "time":"2024-03-05T17:06:07Z","region":"us-east-1","resources":["arn:aws:ecs:us-east-1:1:task/c/t1"],
            "detail":{"clusterArn":"arn:aws:ecs:us-east-1:1:cluster/c","containers":[{"name":"command","exitCode":137,
            "lastStatus":"STOPPED","reason":"OutOfMemoryError"}],"desiredStatus":"STOPPED","lastStatus":"STOPPED",
            "startedBy":"01hv","stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited",
            "taskArn":"arn:aws:ecs:us-east-1:1:task/c/t1","version":4}}
            """)
        #expect(event.detail.id == "t1")
        #expect(event.detail.startedBy == "01hv")
        #expect(event.detail.containers?.first?.exitCode == 137)
        #expect(event.detail.stopCode == "EssentialContainerExited")
    }

    @Test("that is something else is an error which says where, and quotes nothing")
    func malformed() {
        let text = "{\"Records\":[{\"messageId\":\"hidden\",\"receiptHandle\":1}]}"
        #expect(throws: LambdaEventError.malformed("Records.Index 0.receiptHandle")) {
            try decode(SQSEvent.self, text)
        }
        #expect(throws: LambdaEventError.self) { try decode(HTTPAPIEvent.self, "hidden") }
    }
}
