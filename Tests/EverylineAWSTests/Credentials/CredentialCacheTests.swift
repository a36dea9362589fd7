import Everyline
import EverylineAWS
import Synchronization
import Testing

@Suite("Kept credentials")
struct CredentialCacheTests {
    /// Gives new credentials each time, which expire at the time that it was told; or fails.
    final class Source: CredentialSource {
        private let state: Mutex<(calls: Int, expiries: [Int64?])>

        init(expiring expiries: [Int64?]) { state = Mutex((0, expiries)) }

        var calls: Int { state.withLock { $0.calls } }

        func credentials() async throws -> AWSCredentials? {
            let (number, expiry) = try state.withLock { state in
                state.calls += 1
                guard state.calls <= state.expiries.count else {
                    throw CredentialError.unavailable(place: "the test", reason: "no more")
                }
                return (state.calls, state.expiries[state.calls - 1])
            }
            return AWSCredentials(
                accessKeyID: "\(number)", secretAccessKey: "s",
                expiresAt: expiry.map { Timestamp(milliseconds: $0 * 1000) })
        }
    }

    private func key(_ cache: CredentialCache, atSecond second: Int64) async throws -> String {
        try await cache.current(at: Timestamp(milliseconds: second * 1000)).accessKeyID
    }

    @Test("are asked for once as long as they are good")
    func kept() async throws {
        let source = Source(expiring: [nil])
        let cache = CredentialCache(source)
        for second in [0, 1_000_000] { #expect(try await key(cache, atSecond: Int64(second)) == "1") }
        #expect(source.calls == 1)
    }

    @Test("are renewed five minutes before they expire")
    func renewed() async throws {
        let cache = CredentialCache(Source(expiring: [1000, 2000]))
        #expect(try await key(cache, atSecond: 699) == "1")
        #expect(try await key(cache, atSecond: 700) == "2")
    }

    @Test("stay in use until the last minute if they can't be renewed")
    func renewalFails() async throws {
        let cache = CredentialCache(Source(expiring: [1000]))
        #expect(try await key(cache, atSecond: 0) == "1")
        #expect(try await key(cache, atSecond: 939) == "1")
        await #expect(throws: CredentialError.self) { try await key(cache, atSecond: 940) }
    }

    @Test("that the service calls expired are asked for anew")
    func expired() async throws {
        let cache = CredentialCache(Source(expiring: [nil, nil]))
        #expect(try await key(cache, atSecond: 0) == "1")
        await cache.expire()
        #expect(try await key(cache, atSecond: 0) == "2")
    }

    @Test("that are nowhere are an error")
    func none() async {
        await #expect(throws: CredentialError.none) {
            try await CredentialCache(CredentialChain([])).current(at: .epoch)
        }
    }
}
