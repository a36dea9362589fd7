import Everyline
import EverylineTesting
import Synchronization
import Testing

@Suite("A stream's admission")
struct StreamAdmissionTests {
    private let execution = Sample.id("e")
    private let now = Timestamp(milliseconds: 5000)

    private func begin(origins: [String] = []) async throws -> (StreamAdmission, InMemoryStores, token: String) {
        let stores = try await InMemoryStores.holding(execution, ["1", "2"])
        for key in ["admin", "k"] as [APIKey.ID] { try await stores.add(Sample.key(key)) }
        let secret = try await stores.issue(
            StreamToken(
                execution: execution, user: Sample.user("ann"), key: "k", start: .after(Offset(1)),
                expiresAt: Timestamp(milliseconds: 6000)), at: .epoch)
        let admission = StreamAdmission(
            access: stores, log: stores, origins: PageOrigins(origins), now: { [now] in now })
        return (admission, stores, secret.value)
    }

    private func request(_ token: String?, start: StreamStart? = nil, origin: String? = nil) -> StreamRequest {
        StreamRequest(execution, token: token, start: start, origin: origin, authority: "host:1")
    }

    @Test("begins where the request says, else where the token does")
    func start() async throws {
        let (admission, _, token) = try await begin()
        let places = Places()
        #expect(try await admission.admit(request(token), to: places).after == Offset(1))
        #expect(try await admission.admit(request(token, start: .after(Offset(2))), to: places).after == Offset(2))
        await #expect(throws: StreamStart.InvalidStart.self) {
            try await admission.admit(request(token, start: .after(Offset(3))), to: places)
        }
        #expect(places.open == 2)
    }

    @Test("is refused without a valid token, and to pages of other origins, and takes no place then")
    func refusals() async throws {
        let (admission, _, token) = try await begin(origins: ["https://ok.example"])
        let places = Places()
        for token in [nil, "other"] {
            await #expect(throws: StreamRefusal.token) { try await admission.admit(request(token), to: places) }
        }
        await #expect(throws: StreamRefusal.origin) {
            try await admission.admit(request(token, origin: "https://evil.example"), to: places)
        }
        #expect(places.open == 0)
        for origin in ["https://ok.example", "http://host:1"] {
            _ = try await admission.admit(request(token, origin: origin), to: places)
        }
        #expect(places.open == 2)
    }

    @Test(
        "is refused under a key that is revoked while it is being decided, and gives its place up again",
        arguments: [true, false])
    func revokedMeanwhile(countsRevocations: Bool) async throws {
        let (admission, stores, token) = try await begin()
        let places = Places(counts: countsRevocations) { try await stores.revokeKey("k", at: .epoch) }
        await #expect(throws: StreamRefusal.token) { try await admission.admit(request(token), to: places) }
        #expect(places.open == 0)
    }

    @Test("is no worse for another key's revocation")
    func anotherKeyRevoked() async throws {
        let (admission, stores, token) = try await begin()
        try await stores.add(Sample.key("other"))
        let places = Places(counts: true) { try await stores.revokeKey("other", at: .epoch) }
        _ = try await admission.admit(request(token), to: places)
        #expect(places.open == 1)
    }

    @Test("gives its place up again when the token can't be looked at once more")
    func unavailable() async throws {
        let (_, stores, token) = try await begin()
        let access = FailingAccess(stores: stores, looks: 1)
        let admission = StreamAdmission(
            access: access, log: stores, origins: PageOrigins([String]()), now: { [now] in now })
        let places = Places(counts: false)
        await #expect(throws: FailingAccess.Unavailable.self) { try await admission.admit(request(token), to: places) }
        #expect(places.open == 0)
    }
}

/// Counts the places that are taken; while one is being taken, something else may happen.
private final class Places: StreamPlaces {
    private let state = Mutex<(open: Int, revocations: UInt64)>((0, 0))
    private let counts: Bool
    private let meanwhile: @Sendable () async throws -> Void

    init(counts: Bool = true, meanwhile: @escaping @Sendable () async throws -> Void = {}) {
        self.counts = counts
        self.meanwhile = meanwhile
    }

    var open: Int { state.withLock { $0.open } }
    var revocations: UInt64? { counts ? state.withLock { $0.revocations } : nil }

    func take(under key: APIKey.ID, for execution: ExecutionID, after offset: Offset) async throws -> Int {
        try await meanwhile()
        return state.withLock { state in
            state.revocations += 1
            state.open += 1
            return state.open
        }
    }

    func leave(_ place: Int) async { state.withLock { $0.open -= 1 } }
}

/// Fails after so many looks at a token.
private final class FailingAccess: AccessStore {
    struct Unavailable: Error {}

    private let stores: InMemoryStores
    private let looks: Atomic<Int>

    init(stores: InMemoryStores, looks: Int) {
        self.stores = stores
        self.looks = Atomic(looks)
    }

    func streamToken(_ secret: String, for execution: ExecutionID, at now: Timestamp) async throws -> StreamToken? {
        guard looks.subtract(1, ordering: .relaxed).oldValue > 0 else { throw Unavailable() }
        return try await stores.streamToken(secret, for: execution, at: now)
    }

    func add(_ key: APIKey) async throws { try await stores.add(key) }
    func keys() async throws -> [APIKey] { try await stores.keys() }
    func key(_ hash: SecretHash) async throws -> APIKey? { try await stores.key(hash) }
    func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws { try await stores.revokeKey(id, at: now) }
    func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret {
        try await stores.issue(token, at: now)
    }
}
