import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@Suite("The connection's function") struct ConnectionFunctionTests {
    private let stores = InMemoryStores()
    private let connections = InMemoryConnections()
    private let notifier = InMemoryViewerNotifier()
    private let gateway = InMemoryGateway()
    private let execution = Sample.id("e")
    private let id = ConnectionID("v=")
    /// Stands where a query says "secret".
    private let token = Token()

    private final class Token: Sendable {
        let value = Mutex("secret")
    }

    private var function: ConnectionFunction {
        let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: 5000) }
        return ConnectionFunction(
            viewers: ViewerMessageHandler(
                log: stores, connections: connections, notifier: notifier, gateway: gateway, probe: { _ in },
                lease: .seconds(30), now: now),
            admission: StreamAdmission(
                access: stores, log: stores, origins: PageOrigins(["https://api.example", "https://logs.example"]),
                now: now),
            log: stores, connections: connections, limit: 2, now: now, logger: .silent)
    }

    /// An execution with two lines, and a token for it.
    private func begin(expiresAt: Int64 = 6000) async throws {
        _ = try await stores.create(Sample.execution("e"), appendToken: Sample.hash("e"), idempotency: nil)
        _ = try await stores.append(
            [LogAppend(Sample.body(["one", "two"], after: 0), to: execution, after: .zero)], at: .epoch)
        try await stores.add(Sample.key("k"))
        let secret = try await stores.issue(
            StreamToken(
                execution: execution, user: Sample.user("ann"), key: "k", start: .after(Offset(1)),
                expiresAt: Timestamp(milliseconds: expiresAt)), at: .epoch)
        token.value.withLock { $0 = secret.value }
    }

    private func event(
        _ kind: String, query: String = "{}", headers: String = "{}", body: String? = nil
    ) -> LambdaInvocation {
        let body = body.map { ",\"body\":\"\($0.replacing("\"", with: "\\\""))\"" } ?? ""
        let query = query.replacing("secret", with: token.value.withLock { $0 })
        return Event.invocation(
            """
            {"requestContext":{"routeKey":"$x","eventType":"\(kind)","connectionId":"v="},
            "queryStringParameters":\(query),"headers":\(headers)\(body)}
            """)
    }

    private func connect(_ query: String, headers: String = "{}") async throws -> String {
        String(buffer: try await function.handle(event("CONNECT", query: query, headers: headers)))
    }

    @Test(
        "lets in pages of its own origins and who is no browser",
        arguments: [
            (nil, true), ("https://api.example", true), ("HTTPS://Logs.Example", true), ("https://evil.example", false),
            ("https://api.example.evil.example", false), ("http://api.example", false), ("null", false), ("", false),
        ])
    func origins(origin: String?, isAdmitted: Bool) async throws {
        try await begin()
        let answer = try await connect(
            #"{"execution":"e","token":"secret"}"#, headers: origin.map { "{\"Origin\":\"\($0)\"}" } ?? "{}")
        #expect(answer.contains(#""statusCode":\#(isAdmitted ? 200 : 403)"#))
        let isThere = try await connections.connection(id, of: execution) != nil
        #expect(isThere == isAdmitted)
    }

    @Test("takes in a viewer that speaks the protocol, and waits for it to speak")
    func blocks() async throws {
        try await begin()
        let answer = try await connect(
            #"{"execution":"e","token":"secret"}"#, headers: #"{"sec-websocket-protocol":"other, everyline.v1"}"#)
        #expect(answer.contains(#""statusCode":200"#) && answer.contains("everyline.v1"))
        let connection = try #require(try await connections.connection(id, of: execution))
        #expect(connection.encoding == .blocks && connection.cursor == Offset(1))
        #expect(notifier.take().isEmpty)
    }

    @Test("notifies a viewer that can't speak first")
    func lines() async throws {
        try await begin()
        _ = try await connect(#"{"execution":"e","token":"secret","after":"2"}"#)
        let connection = try #require(try await connections.connection(id, of: execution))
        #expect(connection.encoding == .lines && connection.cursor == Offset(2))
        #expect(notifier.take().count == 1)
        #expect(gateway.received(by: id).isEmpty)
    }

    @Test(
        "refuses who has no token for this execution now, and cursors that are none",
        arguments: [
            (#"{"execution":"e"}"#, 401), (#"{"execution":"e","token":"other"}"#, 401),
            (#"{"execution":"f","token":"secret"}"#, 401), (#"{"token":"secret"}"#, 404),
            (#"{"execution":"e","token":"secret","after":"3"}"#, 400),
            (#"{"execution":"e","token":"secret","after":"-1"}"#, 400),
            (#"{"execution":"e","token":"secret","after":"1","last_seen_timestamp":"1"}"#, 400),
        ])
    func refusals(query: String, status: Int) async throws {
        try await begin()
        #expect(try await connect(query).contains("\"statusCode\":\(status)"))
        #expect(try await connections.execution(of: id) == nil)
    }

    @Test("tells a viewer that can't see an offset that the log has ended, also one that has had its end")
    func endOfLines() async throws {
        try await begin()
        _ = try await stores.append(
            [LogAppend(Sample.body([String](), after: 2, end: Sample.success), to: execution, after: Offset(2))],
            at: .epoch)
        _ = try await connect(#"{"execution":"e","token":"secret","after":"3"}"#)
        #expect(try await connections.connection(id, of: execution)?.cursor == Offset(2))
    }

    @Test("refuses a key's connections beyond its limit, until one has gone")
    func limit() async throws {
        try await begin()
        for other in ["a", "b"] {
            try await connections.connect(ConnectionID(other), Sample.connection(expiresAt: 6000))
        }
        try await connections.connect(ConnectionID("c"), Sample.connection(key: "another"))
        let query = #"{"execution":"e","token":"secret"}"#
        #expect(try await connect(query).contains("\"statusCode\":429"))
        #expect(try await connections.connections(with: "k", at: .epoch).count == 2)
        #expect(notifier.take().isEmpty)
        _ = try await connections.update(ConnectionID("a"), of: execution, .close)
        #expect(try await connect(query).contains("\"statusCode\":200"))
    }

    @Test(
        "refuses a viewer that knows what a restore has made void, whichever says so: its address, or when that was given"
    )
    func restored() async throws {
        try await begin()
        let known = try #require(stores.incarnation)
        let stale = try await stores.issue(
            StreamToken(
                execution: execution, user: Sample.user("ann"), key: "k", start: .beginning,
                expiresAt: Timestamp(milliseconds: 6000), incarnation: known), at: .epoch)
        stores.markRestored()
        for query in [
            #"{"execution":"e","token":"secret","incarnation":"\#(known)"}"#,
            #"{"execution":"e","token":"\#(stale.value)"}"#,
        ] {
            #expect(try await connect(query).contains("\"statusCode\":409"))
            #expect(try await connections.connection(id, of: execution)?.isOpen != true)
        }
        #expect(try await connect(#"{"execution":"e","token":"secret"}"#).contains("\"statusCode\":200"))
    }

    @Test("refuses a token that has expired, whether or not it has been cleaned up")
    func expired() async throws {
        try await begin(expiresAt: 5000)
        #expect(try await connect(#"{"execution":"e","token":"secret"}"#).contains("401"))
    }

    @Test("carries out what a viewer says, and lets a viewer go")
    func messages() async throws {
        try await begin()
        _ = try await connect(
            #"{"execution":"e","token":"secret"}"#, headers: #"{"Sec-WebSocket-Protocol":"everyline.v1"}"#)
        gateway.open(id)
        _ = try await function.handle(event("MESSAGE", body: #"{"action":"resume","gen":1,"after":0}"#))
        #expect(try await connections.connection(id, of: execution)?.cursor == .zero)
        #expect(notifier.take().count == 1)
        #expect(gateway.received(by: id).map { String(buffer: $0) } == [#"{"type":"resumed","gen":1,"head":2}"#])
        _ = try await function.handle(event("MESSAGE", body: "hello"))
        _ = try await function.handle(event("DISCONNECT"))
        #expect(try await connections.connection(id, of: execution)?.isOpen == false)
    }
}
