import AsyncHTTPClient
import Everyline
import EverylineWebSocket
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends requests and turns whatever goes wrong into ``APIError`` or ``ClientError``.
struct HTTPTransport: Sendable {
    let client: HTTPClient
    let configuration: EverylineClient.Configuration

    /// The whole answer, decoded.
    func answer<Answer: Decodable>(to request: APIRequest, as type: Answer.Type) async throws -> Answer {
        let body = try await send(request, expecting: "application/json")
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw ClientError.unexpectedAnswer("\(request.method) \(request.path) gave no \(type)")
        }
    }

    /// The whole answer, of at most ``EverylineClient/Configuration/answerLimit`` bytes.
    ///
    /// - Parameter type: what kind of answer it must be; another one is something else's than the server's.
    @discardableResult
    func send(_ request: APIRequest, expecting type: String? = nil) async throws -> ByteBuffer {
        let time = request.timeout ?? configuration.requestTimeout
        let response: HTTPClientResponse
        let body: ByteBuffer
        if request.waitsWhileBytesMove {
            response = try await open(request)
            body = try await within(time) { try await collect(response.body) }
        } else {
            (response, body) = try await within(time) {
                let response = try await open(request)
                return (response, try await collect(response.body))
            }
        }
        guard type == nil || response.headers.first(name: "Content-Type")?.hasPrefix(type ?? "") == true else {
            throw ClientError.unexpectedAnswer("\(request.method) \(request.path) gave no \(type ?? "")")
        }
        return body
    }

    /// The answer's head; its body comes as it is read. Throws for anything but a success.
    func open(_ request: APIRequest) async throws -> HTTPClientResponse {
        let response = try await translating {
            try await client.execute(prepare(request), deadline: .distantFuture)
        }
        guard (200..<300).contains(response.status.code) else {
            throw try await within(configuration.requestTimeout) { await problem(response) }
        }
        return response
    }

    /// The answer's head within this time; its body may take as long as it takes.
    func open(_ request: APIRequest, within time: Duration) async throws -> HTTPClientResponse {
        try await within(time) { try await open(request) }
    }

    /// - Throws: ``ClientError/timedOut`` if it takes longer, and what `step` throws.
    private func within<Value: Sendable>(
        _ time: Duration, _ step: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await step() }
            group.addTask {
                try await ContinuousClock().sleep(for: time)
                throw ClientError.timedOut
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { preconditionFailure("two tasks were added") }
            return value
        }
    }

    func collect(_ body: HTTPClientResponse.Body) async throws -> ByteBuffer {
        try await translating { try await body.collect(upTo: configuration.answerLimit) }
    }

    /// Runs a step of an exchange; a cancellation stays one.
    func translating<Value>(_ step: () async throws -> Value) async throws -> Value {
        do {
            return try await step()
        } catch {
            try Task.checkCancellation()
            if CertificateFailure.isOne(error), let (host, port) = configuration.address.hostAndPort,
                let reason = await CertificateFailure.reason(
                    of: error, from: host, port: port, eventLoopGroup: client.eventLoopGroup)
            {
                throw ClientError.unreachable(reason)
            }
            throw Self.translate(error)
        }
    }

    static func translate(_ error: any Error) -> any Error {
        switch error {
        case is ClientError, is APIError, is CancellationError: error
        case is NIOTooManyBytesError: ClientError.unexpectedAnswer("it is too large")
        case let error as HTTPClientError:
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
                ClientError.timedOut
            case .remoteConnectionClosed: ClientError.unreachable("the connection was closed")
            default: ClientError.unreachable(error.shortDescription)
            }
        default: ClientError.unreachable(ConnectionFailure.reason(of: error))
        }
    }

    private func prepare(_ request: APIRequest) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: configuration.address.url(request.path, query: request.query))
        prepared.method = request.method
        prepared.headers.add(name: "User-Agent", value: configuration.userAgent)
        if let credential = request.credential ?? configuration.credential {
            prepared.headers.add(name: "Authorization", value: "Bearer \(credential.value)")
        }
        if let type = request.contentType { prepared.headers.add(name: "Content-Type", value: type) }
        for header in request.headers { prepared.headers.add(name: header.name, value: header.value) }
        if let body = request.body {
            // In pieces, so that a silence can be told from a slow link; no link is slow within a machine, and each
            // piece takes its time.
            let pieces = BodyPieces(bytes: body, size: configuration.address.socketPath == nil ? 16 << 10 : 128 << 10)
            prepared.body =
                request.waitsWhileBytesMove
                ? .stream(pieces, length: .known(Int64(body.readableBytes))) : .bytes(body)
        }
        return prepared
    }

    private func problem(_ response: HTTPClientResponse) async -> any Error {
        let status = Int(response.status.code)
        let retryAfter = response.headers.first(name: "Retry-After").flatMap { UInt16($0) }.map {
            Duration.seconds(Int($0))
        }
        // A refusal whose text doesn't arrive is a refusal all the same.
        let body = (try? await response.body.collect(upTo: .kibibytes(64))) ?? ByteBuffer()
        if Task.isCancelled { return CancellationError() }
        return APIError(
            status: status, body: Data(body.readableBytesView),
            otherwise: "an answer that is not Everyline's: \(response.status.reasonPhrase)",
            requestID: response.headers.first(name: APIHeader.requestID), retryAfter: retryAfter)
    }
}

/// A body in pieces, each taken when the connection has room for it.
private struct BodyPieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
    var bytes: ByteBuffer
    let size: ByteCount

    func makeAsyncIterator() -> BodyPieces { self }

    mutating func next() async -> ByteBuffer? {
        guard bytes.readableBytes > 0 else { return nil }
        return bytes.readSlice(length: Swift.min(bytes.readableBytes, size))
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .milliseconds(duration.milliseconds) }
}

/// One request of the API, before it has an address and a credential.
struct APIRequest: Sendable {
    var method: HTTPMethod = .GET
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var body: ByteBuffer?
    var contentType: String?
    /// In the place of the client's own.
    var credential: Credential?
    /// From sending to the last byte of the answer; the client's default if there is none.
    var timeout: Duration?
    /// The exchange has no deadline as long as bytes move: only a silence ends it
    /// (``EverylineClient/Configuration/silenceLimit``).
    var waitsWhileBytesMove = false

    init(_ method: HTTPMethod, _ path: String) {
        self.method = method
        self.path = path
    }
}
