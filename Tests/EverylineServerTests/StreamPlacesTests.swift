import Testing

@testable import EverylineServer

@Suite("The places of streams")
struct StreamPlacesTests {
    private let streams = StreamPlaces(.init(perKey: 2, total: 4))

    @Test("are given to a key up to its limit, and again once they are free")
    func limit() throws {
        var places = try (0..<2).map { _ in try streams.take(under: "k", revocations: 0) }
        #expect(throws: (any Error).self) { try streams.take(under: "k", revocations: 0) }
        #expect(try streams.take(under: "another", revocations: 0) != nil)
        places.removeLast()
        #expect(try streams.take(under: "k", revocations: 0) != nil)
        withExtendedLifetime(places) {}
    }

    @Test("are so many in all, whatever the keys are")
    func total() throws {
        var places = try ["a", "b", "a", "b"].map { try streams.take(under: $0, revocations: 0) }
        #expect(throws: APIError.self) { try streams.take(under: "c", revocations: 0) }
        #expect(streams.keys == 2)
        places.removeLast()
        #expect(try streams.take(under: "c", revocations: 0) != nil)
        withExtendedLifetime(places) {}
    }

    @Test("are taken one by one, also where many want the last at once")
    func race() async throws {
        let taken = await withTaskGroup(of: StreamPlace?.self) { group in
            // Refused ones throw: they have none.
            for _ in 0..<200 { group.addTask { try? self.streams.take(under: "k", revocations: 0) } }
            return await group.reduce(into: []) { $0 += [$1].compactMap { $0 } }
        }
        #expect(taken.count == 2)
    }

    @Test("tell the viewers of a revoked key, and no other")
    func revoked() throws {
        let (place, other) = (
            try streams.take(under: "k", revocations: 0), try streams.take(under: "other", revocations: 0)
        )
        streams.revoke("k")
        #expect(throws: StreamPlace.KeyRevoked.self) { try place?.check() }
        try other?.check()
    }

    @Test("are not given on the strength of a look at the key that is older than a revocation")
    func meanwhile() throws {
        let before = streams.revocations
        streams.revoke("k")
        #expect(try streams.take(under: "k", revocations: before) == nil)
        #expect(try streams.take(under: "k", revocations: streams.revocations) != nil)
    }

    @Test("remember nothing of a key without viewers, however many are revoked")
    func forgets() throws {
        for number in 0..<1000 {
            let place = try streams.take(under: "\(number)", revocations: streams.revocations)
            streams.revoke("\(number)")
            streams.revoke("unknown \(number)")
            #expect(place != nil && streams.keys == 1)
        }
        #expect(streams.keys == 0)
    }
}
