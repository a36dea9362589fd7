import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Synchronization
import Testing

/// Answers requests when so many are under way at once.
private actor Gathering: AWSHTTP {
    private let size: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var underWay = 0
    private(set) var most = 0
    private(set) var count = 0

    init(_ size: Int) { self.size = size }

    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        count += 1
        underWay += 1
        most = max(most, underWay)
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            guard waiting.count == size else { return }
            for waiter in waiting { waiter.resume() }
            waiting = []
        }
        underWay -= 1
        return AWSHTTPResponse(status: 200, body: ByteBuffer(string: "{}"))
    }
}

@Suite("A notifier of SQS")
struct SQSViewerNotifierTests {
    @Test("says whom to look after, and nothing else is read as that")
    func notify() {
        let notification = ConnectionPlace(id: ConnectionID("L0SM9cOFvHcCIhw="), execution: Sample.id("01hv"))
        #expect(ConnectionPlace(notification: notification.notification) == notification)
        for text in ["", " ", "a", "a b c", " b", "a  b", "a /"] { #expect(ConnectionPlace(notification: text) == nil) }
    }

    @Test("notifies many in requests of ten, sixteen of them at a time", .timeLimit(.minutes(5)))
    func crowd() async throws {
        let http = Gathering(16)
        let client = AWSClient(
            .init(region: "us-east-1", endpoint: nil), http: http, credentials: CredentialCache(FixedCredentials()),
            clock: ContinuousClock(), now: { Emulator.now })
        let notifier = SQSViewerNotifier(SQSQueue("https://sqs/q.fifo", client: client)) { "id" }
        try await notifier.notify((0..<480).map { ConnectionID("connection-\($0)=") }, of: Sample.id("e"))
        #expect(await http.most == 16)
        #expect(await http.count == 48)
    }

    @Test(
        "notifies each connection in a group of its own, and never twice under one id",
        .enabled(if: Emulator.endpoint != nil))
    func queue() async throws {
        struct Created: Decodable { let QueueUrl: String }
        struct Input: Encodable {
            var QueueName = "notification-\(UInt64.random(in: 0 ... .max)).fifo"
            var Attributes = ["FifoQueue": "true"]
        }
        let client = Emulator.client()
        let url = try await client.call("CreateQueue", of: .sqs, Input(), giving: Created.self).QueueUrl
        let queue = SQSQueue(url, client: client)
        let numbers = Mutex(0)
        let notifier = SQSViewerNotifier(queue) { "\(numbers.withLock { $0 += 1; return $0 })" }
        let connections = (0..<23).map { ConnectionID("connection-\($0)=") }
        for _ in 0..<2 { try await notifier.notify(connections, of: Sample.id("e")) }
        #expect(try await queue.depth() == .init(waiting: 46, inFlight: 0, delayed: 0))
    }
}
