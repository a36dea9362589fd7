import Everyline
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@Suite("What a viewer says")
struct ViewerMessageTests {
    private let execution = Sample.id("e")
    private let id = ConnectionID("c")
    private let viewers = StagedViewers()
    private let probes = Probes()
    private let lease = Duration.seconds(30)
    private static let now = Timestamp(milliseconds: 40_000)

    private func begin(_ connection: ViewerConnection, ends: Bool = false) async throws -> ViewerMessageHandler {
        let stores = try await InMemoryStores.holding(execution, ["1", "2", "3"], ends: ends)
        viewers.gateway.open(id)
        try await viewers.connect(id, connection)
        return ViewerMessageHandler(
            log: stores, connections: viewers, notifier: viewers, gateway: viewers,
            probe: { probes.add($0) }, lease: lease, now: { Self.now })
    }

    private var answers: [GatewayFrame] { viewers.gateway.received(by: id).map { GatewayFrame($0) } }

    @Test("is written, passed on, and only then acknowledged")
    func resume() async throws {
        let handler = try await begin(Sample.connection())
        try await handler.receive(.resume(generation: 2, after: Offset(1)), from: id)
        #expect(viewers.steps == [.resume, .notify, .post])
        #expect(answers == [.resumed(generation: 2, head: Offset(3))])
        #expect(try await viewers.connection(id, of: execution)?.cursor == Offset(1))
    }

    @Test("is passed on again when it is said again, and ignored when it comes late")
    func repetition() async throws {
        let handler = try await begin(Sample.connection())
        for _ in 1...2 { try await handler.receive(.resume(generation: 2, after: Offset(1)), from: id) }
        #expect(viewers.steps == [.resume, .notify, .post, .resume, .notify, .post])
        try await handler.receive(.resume(generation: 1, after: .zero), from: id)
        #expect(viewers.steps.count == 7 && viewers.steps.last == .resume)
        #expect(try await viewers.connection(id, of: execution)?.cursor == Offset(1))
    }

    @Test("is not acknowledged where it could not be passed on: the viewer says it again")
    func unrung() async throws {
        let handler = try await begin(Sample.connection())
        viewers.fail(.notify)
        await #expect(throws: StagedViewers.Unavailable.self) {
            try await handler.receive(.resume(generation: 2, after: .zero), from: id)
        }
        #expect(answers.isEmpty)
    }

    @Test(
        "closes a connection whose record is closed or expired, or that is unknown",
        arguments: [ViewerMessage.resume(generation: 5, after: .zero), .ping(have: .zero)])
    func close(message: ViewerMessage) async throws {
        let handler = try await begin(Sample.connection())
        _ = try await viewers.connections.update(id, of: execution, .close)
        try await handler.receive(message, from: id)
        #expect(!viewers.gateway.isOpen(id))
        let unknown = ConnectionID("unknown")
        viewers.gateway.open(unknown)
        try await handler.receive(message, from: unknown)
        #expect(!viewers.gateway.isOpen(unknown))
        #expect(answers.isEmpty && viewers.notifier.take().isEmpty)
    }

    @Test("closes a connection whose viewer pings, and was never heard to resume: nothing would be sent to it")
    func unheard() async throws {
        let handler = try await begin(Sample.connection(generation: 0))
        try await handler.receive(.ping(have: .zero), from: id)
        #expect(!viewers.gateway.isOpen(id))
    }

    @Test(
        "notifies at a ping where something waits and no sender has the lock, and answers with the head",
        arguments: [
            Ping(cursor: 2, notifies: true), Ping(cursor: 3, notifies: false, probes: true),
            Ping(cursor: 4, ends: true, notifies: true), Ping(cursor: 2, lockedAt: 10_001, notifies: false),
            Ping(cursor: 2, lockedAt: 10_000, notifies: true),
        ])
    func watchdog(ping: Ping) async throws {
        let handler = try await begin(Sample.connection(cursor: ping.cursor), ends: ping.ends)
        if let time = ping.lockedAt {
            let lock = ConnectionUpdate.acquire(owner: "a", now: Timestamp(milliseconds: time), lease: lease)
            _ = try #require(try await viewers.connections.update(id, of: execution, lock))
        }
        try await handler.receive(.ping(have: Offset(ping.cursor)), from: id)
        #expect(viewers.steps == (ping.notifies ? [.notify, .post] : [.post]))
        let beat = try #require(answers.first.map { String(buffer: $0.message) })
        #expect(answers.count == 1)
        #expect(beat.hasPrefix("{\"type\":\"heartbeat\",\"head\":\(ping.ends ? 4 : 3),\"incarnation\":\""))
        // Where the viewer has everything and the log has no end, the producer is probed: is one to come?
        #expect(probes.all == (ping.probes ? [execution] : []))
    }

    struct Ping: CustomTestStringConvertible {
        let cursor: UInt64
        var ends = false
        var lockedAt: Int64?
        let notifies: Bool
        var probes = false

        var testDescription: String { "cursor \(cursor), locked at \(lockedAt ?? 0), ended: \(ends)" }
    }

    @Test("may be nothing: a viewer that can't speak first is notified when the connection is made")
    func silent() async throws {
        let handler = try await begin(Sample.connection(encoding: .lines))
        try await handler.connected(id, of: execution, as: .blocks)
        #expect(viewers.steps.isEmpty)
        try await handler.connected(id, of: execution, as: .lines)
        #expect(viewers.steps == [.notify])
        try await handler.disconnect(id)
        #expect(try await viewers.connection(id, of: execution)?.isOpen == false)
    }
}

/// Which executions' producers were to be probed.
private final class Probes: Sendable {
    private let executions = Mutex<[ExecutionID]>([])

    var all: [ExecutionID] { executions.withLock { $0 } }

    func add(_ execution: ExecutionID) { executions.withLock { $0.append(execution) } }
}
