import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("The delivery's function") struct DeliveryFunctionTests {
    private let stores = InMemoryStores()
    private let connections = InMemoryConnections()
    private let notifier = InMemoryViewerNotifier()
    private let gateway = InMemoryGateway()
    private let requeues = Requeues()
    private let execution = Sample.id("e")

    private func function(at time: Int64 = 100_000) -> DeliveryFunction {
        DeliveryFunction(
            sender: Sender(
                log: stores, connections: connections, gateway: gateway, settings: DeliverySettings(),
                now: { Timestamp(milliseconds: time) }),
            notifier: notifier, requeue: requeues.requeue, logger: .silent)
    }

    /// An execution with two lines, and a viewer of it for each id.
    private func begin(_ ids: String..., connectedAt time: Int64 = 0) async throws {
        _ = try await stores.create(Sample.execution("e"), appendToken: Sample.hash("e"), idempotency: nil)
        _ = try await stores.append(
            [LogAppend(Sample.body(["one", "two"], after: 0), to: execution, after: .zero)], at: .epoch)
        for id in ids {
            let connection = ViewerConnection(
                execution: execution, cursor: .zero, encoding: .blocks, key: "k",
                connectedAt: Timestamp(milliseconds: time), expiresAt: Timestamp(milliseconds: 10_000_000))
            try await connections.connect(ConnectionID(id), connection)
            _ = try await connections.update(ConnectionID(id), of: execution, .resume(generation: 1, after: .zero))
            gateway.open(ConnectionID(id))
        }
    }

    private func notification(_ message: String, _ connection: String) -> (id: String, group: String, body: String) {
        (message, connection, ConnectionPlace(id: ConnectionID(connection), execution: execution).notification)
    }

    @Test("sends to each viewer that was notified, once for all of its notifications")
    func notifications() async throws {
        try await begin("v", "w")
        let answer = try await function().handle(
            Event.batch([
                notification("1", "v"), notification("2", "v"), notification("3", "w"), ("4", "x", "nonsense"),
            ]))
        #expect(String(buffer: answer) == #"{"batchItemFailures":[]}"#)
        #expect(gateway.received(by: ConnectionID("v")).count == 1)
        #expect(gateway.received(by: ConnectionID("w")).count == 1)
        #expect(notifier.take().isEmpty)
    }

    @Test("keeps the notifications of a viewer that another sender has the lock of")
    func locked() async throws {
        try await begin("v")
        _ = try await connections.update(
            ConnectionID("v"), of: execution,
            .acquire(owner: "other", now: Timestamp(milliseconds: 99_000), lease: .seconds(30)))
        let answer = try await function().handle(Event.batch([notification("1", "v"), notification("2", "v")]))
        #expect(String(buffer: answer).contains("\"1\"") && String(buffer: answer).contains("\"2\""))
        #expect(requeues.messages == ["1", "2"])
        #expect(gateway.received(by: ConnectionID("v")).isEmpty)
    }

    @Test("keeps the notification of a viewer whom the gateway doesn't know yet, and lets go of one who left")
    func gone() async throws {
        try await begin("v", connectedAt: 95_000)
        await gateway.close(ConnectionID("v"))
        _ = try await function().handle(Event.batch([notification("1", "v")]))
        #expect(requeues.messages == ["1"])
        let answer = try await function(at: 200_000).handle(Event.batch([notification("1", "v")]))
        #expect(String(buffer: answer) == #"{"batchItemFailures":[]}"#)
    }
}
