import AsyncHTTPClient
public import Everyline
import EverylineWebSocket
import Glibc
public import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A client of one Everyline server: starts and manages executions, appends to logs, and follows them.
///
/// Every method throws ``APIError`` for what the server refuses, ``ClientError`` where no usable answer came, and
/// `CancellationError`. Nothing is repeated behind the caller's back, but by ``ResumingTail``.
///
///     try await EverylineClient.with(configuration) { client in
///         let answer = try await client.run(RunRequest(command: ["make", "test"]), idempotencyKey: "build-7")
///         …
///     }
///
/// A client holds connections: it must be shut down, which ``with(_:eventLoopGroup:_:)`` does by itself.
public struct EverylineClient: Sendable {
    public let configuration: Configuration
    let transport: HTTPTransport
    let eventLoopGroup: any EventLoopGroup
    /// Whom streams over TLS trust; `nil` where the server isn't reached over TLS.
    let tls: WebSocketTLS?

    /// Connects to nothing yet.
    ///
    /// - Parameter eventLoopGroup: where connections live; the process's own group if `nil`.
    /// - Throws: ``ClientError/invalidTrustRoots(_:)`` if the configuration's CA file can't be read.
    public init(
        _ configuration: Configuration,
        eventLoopGroup: (any EventLoopGroup)? = nil
    ) throws {
        self.configuration = configuration
        let eventLoopGroup = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        self.eventLoopGroup = eventLoopGroup
        var trust = TLSConfiguration.makeClientConfiguration()
        if let caFile = configuration.caFile { trust.additionalTrustRoots = [.file(caFile)] }
        do {
            tls = configuration.address.isEncrypted ? try WebSocketTLS(trustedRoots: configuration.caFile) : nil
        } catch {
            throw ClientError.invalidTrustRoots(Self.why(configuration.caFile, failed: error))
        }
        var http = HTTPClient.Configuration(
            tlsConfiguration: trust,
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: TimeAmount(configuration.connectTimeout), read: TimeAmount(configuration.silenceLimit),
                write: TimeAmount(configuration.silenceLimit)))
        http.httpVersion = .http1Only
        http.http1_1ConnectionDebugInitializer = ResponseHeadCheck.add
        // What a read brings becomes some 64 MiB at the most, of which only as much is taken as the answer may have.
        http.decompression = .enabled(limit: .none)
        // How often a failed connection is tried again, is the caller's to say.
        http.connectionPool.retryConnectionEstablishment = false
        transport = HTTPTransport(
            client: HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: http),
            configuration: configuration)
    }

    private static func why(_ caFile: String?, failed error: any Error) -> String {
        guard let caFile else { return "the system's: \(error)" }
        guard access(caFile, R_OK) == 0 else { return "\(caFile): \(String(cString: strerror(errno)).lowercased())" }
        return "\(caFile): it holds no certificate in PEM form"
    }

    /// Makes a client, hands it out, and shuts it down, however `body` ends.
    public static func with<Value>(
        _ configuration: Configuration,
        eventLoopGroup: (any EventLoopGroup)? = nil,
        _ body: (EverylineClient) async throws -> Value
    ) async throws -> Value {
        let client = try EverylineClient(configuration, eventLoopGroup: eventLoopGroup)
        do {
            let value = try await body(client)
            try await client.shutdown()
            return value
        } catch {
            // The first error says more than one of shutting down.
            try? await client.shutdown()
            throw error
        }
    }

    /// Closes the connections. Requests that are under way fail.
    public func shutdown() async throws { try await transport.client.shutdown() }

    // MARK: Executions

    /// Starts a command on the server.
    ///
    /// - Parameter idempotencyKey: makes a repetition harmless: the same key with the same request gives the same
    ///   execution.
    public func run(_ request: RunRequest, idempotencyKey: String? = nil) async throws -> RunResponse {
        try await post(request, to: APIPath.run, idempotencyKey: idempotencyKey)
    }

    /// Registers an execution whose output this or another program appends, with the token of the answer. A server of
    /// an earlier release refuses a request that says where the command runs: it gets one that doesn't.
    ///
    /// - Parameters:
    ///   - idempotencyKey: makes a repetition harmless: the same key with the same request gives the same execution and
    ///     token.
    ///   - timeout: for the answer; ``Configuration/requestTimeout`` if there is none.
    public func register(
        _ request: RegisterRequest, idempotencyKey: String? = nil, timeout: Duration? = nil
    ) async throws -> RegisterResponse {
        do {
            return try await post(request, to: APIPath.executions, idempotencyKey: idempotencyKey, timeout: timeout)
        } catch let error as APIError where error.knownCode == .invalidRequest && request.place != CommandPlace() {
            let earlier = RegisterRequest(command: request.command)
            return try await post(earlier, to: APIPath.executions, idempotencyKey: idempotencyKey, timeout: timeout)
        }
    }

    /// - Parameter incarnation: that of which the caller knows the log.
    /// - Throws: ``APIError`` with ``APIError/restoration`` if a backup was put back since that incarnation
    ///   (`other_incarnation`); ``ClientError``.
    public func execution(_ id: ExecutionID, knowing incarnation: Incarnation? = nil) async throws -> ExecutionView {
        var request = APIRequest(.GET, APIPath.execution(id))
        request.query = incarnation.query
        return try await transport.answer(to: request, as: ExecutionView.self)
    }

    public func status(of id: ExecutionID) async throws -> StatusResponse {
        try await transport.answer(to: APIRequest(.GET, APIPath.execution(id, .status)), as: StatusResponse.self)
    }

    /// One page of the executions, the newest first.
    ///
    /// - Parameters:
    ///   - statuses: only these; all if empty.
    ///   - limit: how many at the most; the server's default if `nil`.
    ///   - cursor: ``ExecutionListResponse/nextCursor`` of the page before.
    public func executions(
        _ statuses: [ExecutionStatus] = [], limit: Int? = nil, cursor: String? = nil
    ) async throws -> ExecutionListResponse {
        var request = APIRequest(.GET, APIPath.executions)
        if !statuses.isEmpty {
            request.query.append((name: "status", value: statuses.map(\.rawValue).joined(separator: ",")))
        }
        if let limit { request.query.append((name: "limit", value: "\(limit)")) }
        if let cursor { request.query.append((name: "cursor", value: cursor)) }
        request.headers.append((name: "Accept-Encoding", value: "gzip"))
        return try await transport.answer(to: request, as: ExecutionListResponse.self)
    }

    /// Asks for an execution to be stopped; harmless if it has ended.
    ///
    /// - Parameter isForced: whether its log is ended at once, whatever its producer does.
    @discardableResult
    public func stop(_ id: ExecutionID, isForced: Bool = false) async throws -> ExecutionView {
        var request = APIRequest(.DELETE, APIPath.execution(id))
        if isForced { request.query = [(name: "force", value: "true")] }
        return try await transport.answer(to: request, as: ExecutionView.self)
    }

    // MARK: The server

    /// Whom the server takes this client for.
    public func me() async throws -> PrincipalView {
        try await transport.answer(to: APIRequest(.GET, APIPath.me), as: PrincipalView.self)
    }

    /// Returns if the server says that it is well.
    public func health() async throws {
        var request = APIRequest(.GET, Self.healthPath)
        request.timeout = .seconds(5)
        try await transport.send(request)
    }

    static let healthPath = "/healthz"

    func post<Answer: Decodable>(
        _ body: some Encodable, to path: String, idempotencyKey: String? = nil, timeout: Duration? = nil
    ) async throws -> Answer {
        var request = APIRequest(.POST, path)
        request.timeout = timeout
        // A repeated request is the same one, byte for byte.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        request.body = ByteBuffer(bytes: try encoder.encode(body))
        request.contentType = "application/json"
        if let idempotencyKey {
            request.headers.append((name: APIHeader.idempotencyKey, value: idempotencyKey))
        }
        return try await transport.answer(to: request, as: Answer.self)
    }
}

extension EverylineClient {
    /// Makes an API key. ``KeyView/key`` holds the key itself, this once.
    public func createKey(for user: UserID, role: Role) async throws -> KeyView {
        try await post(CreateKeyRequest(user: user.rawValue, role: role.rawValue), to: APIPath.keys)
    }

    /// All keys, revoked ones too, without the keys themselves.
    public func keys() async throws -> [KeyView] {
        try await transport.answer(to: APIRequest(.GET, APIPath.keys), as: KeyListResponse.self).keys
    }

    /// From then on the key, and every stream that was opened under it, is refused.
    public func revokeKey(_ id: String) async throws {
        try await transport.send(APIRequest(.DELETE, APIPath.keys + "/" + PercentEncoding.encode(id)))
    }
}

extension EverylineClient {
    /// What a client is told: where the server is, who asks, and the bounds of its waiting and reading.
    public struct Configuration: Sendable {
        public var address: ServerAddress
        /// The API key. A producer that has only an append token needs none.
        public var credential: Credential?
        /// A PEM file of certificates that are trusted beside the system's.
        public var caFile: String?
        /// From sending a request to the last byte of its answer. Downloads and tails have no such end.
        public var requestTimeout: Duration = .seconds(30)
        /// For a connection to be made.
        public var connectTimeout: Duration = .seconds(10)
        /// The longest silence within an answer, also of a download; and for how long its reader may leave it unread.
        public var silenceLimit: Duration = .seconds(60)
        /// The largest answer that is taken as a whole. Downloads and tails are read piece by piece.
        public var answerLimit: ByteCount = .mebibytes(8)
        public var userAgent = "everyline-swift"

        public init(address: ServerAddress, credential: Credential? = nil, caFile: String? = nil) {
            self.address = address
            self.credential = credential
            self.caFile = caFile
        }
    }
}
