import Everyline
import Testing

@testable import EverylineServer

@Suite("The places of streams")
struct StreamPlacesTests {
    private let streams = OpenStreams(.init(perKey: 2, total: 4))

    @Test("are given to a key up to its limit, and again once they are free")
    func limit() throws {
        var places = try (0..<2).map { _ in try streams.take(under: "k") }
        #expect(throws: StreamRefusal.self) { try streams.take(under: "k") }
        let another = try streams.take(under: "another")
        places.removeLast()
        places.append(try streams.take(under: "k"))
        withExtendedLifetime((places, another)) {}
    }

    @Test("are so many in all, whatever the keys are")
    func total() throws {
        var places = try ["a", "b", "a", "b"].map { try streams.take(under: $0) }
        #expect(throws: StreamRefusal.self) { try streams.take(under: "c") }
        #expect(streams.keys == 2)
        places.removeLast()
        places.append(try streams.take(under: "c"))
        withExtendedLifetime(places) {}
    }

    @Test("are taken one by one, also where many want the last at once")
    func race() async throws {
        let taken = await withTaskGroup(of: StreamPlace?.self) { group in
            // Refused ones throw: they have none.
            for _ in 0..<200 { group.addTask { try? self.streams.take(under: "k") } }
            return await group.reduce(into: []) { $0 += [$1].compactMap { $0 } }
        }
        #expect(taken.count == 2)
    }

    @Test("tell the viewers of a revoked key, and no other")
    func revoked() throws {
        let (place, other) = (try streams.take(under: "k"), try streams.take(under: "other"))
        streams.revoke("k")
        #expect(throws: StreamPlace.KeyRevoked.self) { try place.check() }
        try other.check()
    }

    @Test("remember nothing of a key without viewers, however many are revoked")
    func forgets() throws {
        for number in 0..<1000 {
            let place = try streams.take(under: "\(number)")
            streams.revoke("\(number)")
            streams.revoke("unknown \(number)")
            #expect(streams.keys == 1)
            withExtendedLifetime(place) {}
        }
        #expect(streams.keys == 0)
    }
}
