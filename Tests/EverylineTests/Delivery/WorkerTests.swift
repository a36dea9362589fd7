import Everyline
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@Suite("A worker that sends to a viewer")
struct DeliveryWorkerTests {
    private let execution = Sample.id("e")
    private let id = ConnectionID("c")
    private let connections = InMemoryConnections()
    private let gateway = InMemoryGateway()
    private let doorbell = InMemoryDoorbell()
    private let looks = Looks()

    private func stores(_ messages: [String], ends: Bool = false) async throws -> InMemoryStores {
        try await InMemoryStores.holding(execution, messages, ends: ends)
    }

    private func deliver(from stores: InMemoryStores, at now: Int64 = 20_000) async -> Delivery.Outcome {
        let worker = DeliveryWorker(
            log: stores, connections: connections, gateway: gateway, settings: DeliverySettings(),
            now: { Timestamp(milliseconds: now) })
        return await worker.deliver(to: id, of: execution, as: "a")
    }

    private func reception(_ stores: InMemoryStores) -> ReceptionWorker {
        ReceptionWorker(
            log: stores, connections: connections, doorbell: doorbell, gateway: gateway,
            look: { looks.add($0) }, lease: .seconds(30), now: { Timestamp(milliseconds: 20_000) })
    }

    private func lines() throws -> [String] {
        try gateway.received(by: id).flatMap { message -> [String] in
            guard case .block(_, _, let execution, let lines) = GatewayFrame(message) else { return [] }
            #expect(execution == self.execution)
            return try LogEvent.decode(lines: lines).map { event in
                if case .line(let line) = event.content { return line.message }
                return "<end>"
            }
        }
    }

    @Test("sends everything to the end, then closes the connection and its record")
    func complete() async throws {
        let stores = try await stores(["a", "b", "c"], ends: true)
        gateway.open(id)
        try await connections.connect(id, Sample.connection(cursor: 1))
        #expect(await deliver(from: stores) == .completed)
        #expect(try lines() == ["b", "c", "<end>"])
        #expect(!gateway.isOpen(id))
        #expect(try await connections.connection(id, of: execution)?.isOpen == false)
    }

    @Test("speaks line by line to a viewer without a subprotocol")
    func linesForm() async throws {
        let stores = try await stores(["a"], ends: true)
        gateway.open(id)
        _ = try await reception(stores).connect(id, Sample.connection(form: .lines)) { Int?.none }
        #expect(doorbell.take().count == 1)
        #expect(await deliver(from: stores) == .completed)
        let texts = gateway.received(by: id).map { String(buffer: $0) }
        #expect(texts.count == 2)
        #expect(texts[0].hasSuffix(#""message":"a","event_id":"1"}"#))
        #expect(texts.last == #"{"type":"disconnect","reason":"execution_completed"}"#)
    }

    @Test("sends nothing before a viewer that opens with a resumption has said it, and lets go of what rang")
    func awaiting() async throws {
        let stores = try await stores(["a"], ends: true)
        gateway.open(id)
        try await connections.connect(id, Sample.connection(generation: 0))
        #expect(await deliver(from: stores).ring == .delete)
        #expect(gateway.isOpen(id) && gateway.received(by: id).isEmpty)
        #expect(await reception(stores).receive(.resume(generation: 1, after: .zero), from: id) == .done)
        #expect(doorbell.take().count == 1)
        #expect(await deliver(from: stores) == .completed)
        #expect(try lines() == ["a", "<end>"])
    }

    @Test("refuses a connection when its record is there, and leaves none behind")
    func refused() async throws {
        let reception = reception(try await stores(["a"]))
        let refusal = try await reception.connect(id, Sample.connection(form: .lines)) { () async throws -> Int? in
            #expect(try await connections.connection(id, of: execution)?.isOpen == true)
            return 429
        }
        #expect(refusal == 429)
        #expect(try await connections.connection(id, of: execution)?.isOpen == false)
        #expect(doorbell.take().isEmpty)
        struct Unknown: Error {}
        await #expect(throws: Unknown.self) {
            _ = try await reception.connect(id, Sample.connection()) { () -> Int? in throw Unknown() }
        }
        #expect(try await connections.connection(id, of: execution)?.isOpen == false)
    }

    @Test("takes an unknown connection for one that is yet to come, and later for one that is gone")
    func settling() async throws {
        let stores = try await stores(["a"])
        try await connections.connect(id, Sample.connection())
        #expect(await deliver(from: stores, at: 10_099) == .retry)
        #expect(try await connections.connection(id, of: execution)?.isOpen == true)
        #expect(await deliver(from: stores, at: 10_100) == .gone)
        #expect(try await connections.connection(id, of: execution)?.isOpen == false)
    }

    @Test(
        "keeps the ring when the gateway wants less, and goes on where it was",
        arguments: [PostResult.throttled, .failed])
    func throttled(result: PostResult) async throws {
        let stores = try await stores(["a", "b"])
        gateway.open(id)
        try await connections.connect(id, Sample.connection())
        gateway.refuse([result])
        let outcome = await deliver(from: stores)
        #expect(outcome == .retry)
        #expect(outcome.ring == .keep)
        #expect(await deliver(from: stores).ring == .delete)
        #expect(try lines() == ["a", "b"])
    }

    @Test("resumes, pings and goes: what a viewer says is carried out")
    func reception() async throws {
        let stores = try await stores(["a", "b"])
        let reception = reception(stores)
        gateway.open(id)
        _ = try await reception.connect(id, Sample.connection()) { Int?.none }
        #expect(doorbell.take().isEmpty)
        #expect(await reception.receive(.resume(generation: 3, after: Offset(1)), from: id) == .done)
        #expect(doorbell.take().map(\.connection) == [id])
        #expect(gateway.received(by: id).map { GatewayFrame($0) } == [.resumed(generation: 3, head: Offset(2))])
        #expect(await reception.receive(.ping(have: Offset(1)), from: id) == .done)
        #expect(doorbell.take().map(\.connection) == [id])
        #expect(looks.all == [])
        #expect(await deliver(from: stores) == .idle)
        #expect(try lines() == ["b"])
        // The message that a log has ended may have been lost for a viewer that has everything else.
        #expect(await reception.receive(.ping(have: Offset(2)), from: id) == .done)
        #expect(doorbell.take().isEmpty && looks.all == [execution])
        try await reception.disconnect(id)
        #expect(try await connections.connections(of: execution, at: .epoch) == [])
        #expect(await reception.receive(.ping(have: Offset(1)), from: id) == .done)
        #expect(!gateway.isOpen(id))
    }
}

/// Which executions' producers were to be looked at.
private final class Looks: Sendable {
    private let executions = Mutex<[ExecutionID]>([])

    var all: [ExecutionID] { executions.withLock { $0 } }

    func add(_ execution: ExecutionID) { executions.withLock { $0.append(execution) } }
}
