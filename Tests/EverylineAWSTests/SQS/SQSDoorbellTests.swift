import Everyline
import EverylineAWS
import EverylineTesting
import Synchronization
import Testing

@Suite("A doorbell of SQS")
struct SQSDoorbellTests {
    @Test("says whom to look after, and nothing else is read as that")
    func ring() {
        let ring = Ring(connection: ConnectionID("L0SM9cOFvHcCIhw="), execution: Sample.id("01hv"))
        #expect(Ring(body: ring.body) == ring)
        for text in ["", " ", "a", "a b c", " b", "a  b", "a /"] { #expect(Ring(body: text) == nil) }
    }

    @Test(
        "rings each connection in a group of its own, and never twice under one id",
        .enabled(if: Emulator.endpoint != nil))
    func queue() async throws {
        struct Created: Decodable { let QueueUrl: String }
        struct Input: Encodable {
            var QueueName = "ring-\(UInt64.random(in: 0 ... .max)).fifo"
            var Attributes = ["FifoQueue": "true"]
        }
        let client = Emulator.client()
        let url = try await client.call("CreateQueue", of: .sqs, Input(), giving: Created.self).QueueUrl
        let queue = SQSQueue(url, client: client)
        let numbers = Mutex(0)
        let doorbell = SQSDoorbell(queue) { "\(numbers.withLock { $0 += 1; return $0 })" }
        let connections = (0..<23).map { ConnectionID("connection-\($0)=") }
        for _ in 0..<2 { try await doorbell.ring(connections, of: Sample.id("e")) }
        #expect(try await queue.depth() == .init(waiting: 46, inFlight: 0, delayed: 0))
    }
}
