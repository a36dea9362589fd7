import Testing

@testable import EverylineServer

@Suite("A count of viewers")
struct ViewerCounterTests {
    private let counter = ViewerCounter(limit: 2)

    @Test("gives as many places under a key as may be, and each again once it is free")
    func limit() throws {
        var places = try (0..<2).map { _ in try counter.place(under: "k", revocations: 0) }
        #expect(throws: (any Error).self) { try counter.place(under: "k", revocations: 0) }
        #expect(try counter.place(under: "another", revocations: 0) != nil)
        places.removeLast()
        #expect(try counter.place(under: "k", revocations: 0) != nil)
        withExtendedLifetime(places) {}
    }

    @Test("tells the viewers of a revoked key, and no other")
    func revoked() throws {
        let (place, other) = (
            try counter.place(under: "k", revocations: 0), try counter.place(under: "other", revocations: 0)
        )
        counter.revoke("k")
        #expect(throws: ViewerPlace.KeyRevoked.self) { try place?.check() }
        try other?.check()
    }

    @Test("gives no place on the strength of a look at the key that is older than a revocation")
    func meanwhile() throws {
        let before = counter.revocations
        counter.revoke("k")
        #expect(try counter.place(under: "k", revocations: before) == nil)
        #expect(try counter.place(under: "k", revocations: counter.revocations) != nil)
    }

    @Test("remembers nothing of a key without viewers, however many are revoked")
    func forgets() throws {
        for number in 0..<1000 {
            let place = try counter.place(under: "\(number)", revocations: counter.revocations)
            counter.revoke("\(number)")
            counter.revoke("unknown \(number)")
            #expect(place != nil && counter.keys == 2)
        }
        #expect(counter.keys == 0)
    }
}
