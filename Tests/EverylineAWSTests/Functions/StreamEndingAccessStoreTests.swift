import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("An access store that ends streams") struct StreamEndingAccessStoreTests {
    private let stores = InMemoryStores()
    private let connections = InMemoryConnections()
    private let gateway = InMemoryGateway()

    private var access: StreamEndingAccessStore<InMemoryStores> {
        StreamEndingAccessStore(stores, connections: connections, gateway: gateway)
    }

    private func connect(_ name: String, of execution: String = "e", key: String) async throws {
        try await connections.connect(ConnectionID(name), Sample.connection(of: execution, key: key))
        gateway.open(ConnectionID(name))
    }

    @Test("ends all connections of a key that is revoked, and no other key's")
    func revoked() async throws {
        for key in ["k", "other"] { try await access.add(Sample.key(key)) }
        for number in 0..<40 { try await connect("k\(number)", of: number % 2 == 0 ? "e" : "f", key: "k") }
        try await connect("mine", key: "other")
        let lock = ConnectionUpdate.acquire(owner: "a", now: .epoch, lease: .seconds(1))
        let sender = try #require(try await connections.update(ConnectionID("k0"), of: Sample.id("e"), lock))
        try await access.revokeKey("k", at: .epoch)
        for number in 0..<40 { #expect(!gateway.isOpen(ConnectionID("k\(number)"))) }
        #expect(try await connections.connections(with: "k", at: .epoch) == [])
        #expect(gateway.isOpen(ConnectionID("mine")))
        #expect(try await access.key(Sample.key("k").hash) == nil)
        // A sender that had the lock can't go on.
        let advance = ConnectionUpdate.advance(
            fence: sender.fence, from: .zero, to: Offset(1), lastSeen: .epoch, now: .epoch, lease: .seconds(1))
        #expect(try await connections.update(ConnectionID("k0"), of: Sample.id("e"), advance) == nil)
    }

    @Test("ends what a first revocation has left, when it is repeated")
    func again() async throws {
        try await access.add(Sample.key("k"))
        try await stores.revokeKey("k", at: .epoch)
        try await connect("left", key: "k")
        try await access.revokeKey("k", at: .epoch)
        #expect(!gateway.isOpen(ConnectionID("left")))
        await #expect(throws: AccessStoreError.unknownKey) { try await access.revokeKey("none", at: .epoch) }
    }
}
