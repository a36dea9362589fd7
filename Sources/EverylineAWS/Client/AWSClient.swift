package import Everyline
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Carries out operations of AWS's services: encode, sign, send, read the answer or the error, and try again where that
/// may help.
///
/// An operation that failed without an answer may have been carried out. So whatever is sent through here must be
/// harmless to repeat: a conditional write, a deletion, or something that carries a token by which the service knows it
/// again.
package struct AWSClient: Sendable {
    package struct Configuration: Sendable {
        package var region: String
        /// In the place of all of AWS's own addresses, for an emulator or a gateway of one's own.
        package var endpoint: AWSEndpoint?
        package var retries: AWSRetryPolicy
        /// For one attempt.
        package var timeout: Duration

        package init(
            region: String, endpoint: AWSEndpoint? = nil, retries: AWSRetryPolicy = AWSRetryPolicy(),
            timeout: Duration = .seconds(10)
        ) {
            self.region = region
            self.endpoint = endpoint
            self.retries = retries
            self.timeout = timeout
        }
    }

    package let configuration: Configuration
    private let http: any AWSHTTP
    private let credentials: CredentialCache
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp
    private let budget = RetryBudget()

    /// - Parameters:
    ///   - clock: in which it waits before it tries again.
    ///   - now: the wall clock, which signatures carry.
    package init(
        _ configuration: Configuration, http: any AWSHTTP, credentials: CredentialCache, clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.http = http
        self.credentials = credentials
        self.clock = clock
        self.now = now
    }

    /// Carries out an operation of a service that speaks a JSON protocol.
    ///
    /// - Throws: ``AWSError``, or `CancellationError`.
    package func call<Output: Decodable>(
        _ operation: String, of service: AWSService, _ input: some Encodable, giving: Output.Type
    ) async throws -> Output {
        let name = "\(service.signingName).\(operation)"
        let response = try await send(
            request(operation, of: service, input), signedFor: service, operation: name, retries: nil, timeout: nil)
        do {
            return try JSONDecoder().decode(Output.self, from: Data(response.body.readableBytesView))
        } catch {
            throw AWSError(
                .unexpectedAnswer, operation: name, message: "the answer isn't what the operation gives",
                status: response.status, requestID: response.headers.first(name: "x-amzn-RequestId"), cause: error)
        }
    }

    /// Carries out an operation whose answer says nothing but that it was.
    package func call(_ operation: String, of service: AWSService, _ input: some Encodable) async throws {
        _ = try await send(
            request(operation, of: service, input), signedFor: service,
            operation: "\(service.signingName).\(operation)", retries: nil, timeout: nil)
    }

    /// Carries out an operation of a service that speaks the query protocol.
    ///
    /// - Parameter parameters: by name; those that are `nil` are left out.
    /// - Returns: what the operation's result element holds.
    /// - Throws: ``AWSError``, or `CancellationError`.
    package func query(
        _ action: String, of service: AWSService, _ parameters: KeyValuePairs<String, String?>
    ) async throws -> XMLElement {
        try await query(action, of: service, parameters.compactMap { name, value in value.map { (name, $0) } })
    }

    package func query(
        _ action: String, of service: AWSService, _ parameters: [(String, String)]
    ) async throws -> XMLElement {
        guard case .query(let version) = service.wire else {
            preconditionFailure("\(service.signingName) doesn't speak the query protocol")
        }
        let form = ([("Action", action), ("Version", version)] + parameters)
            .map { "\(PercentEncoding.encode($0))=\(PercentEncoding.encode($1))" }.joined(separator: "&")
        let request = AWSHTTPRequest(
            .POST, endpoint(of: service),
            headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"],
            body: ByteBuffer(string: form))
        let name = "\(service.signingName).\(action)"
        let response = try await send(request, signedFor: service, operation: name, retries: nil, timeout: .seconds(30))
        do {
            let document = try XMLElement(response.body)
            return document["\(action)Result"] ?? document
        } catch {
            throw AWSError(
                .unexpectedAnswer, operation: name, message: "the answer isn't what the operation gives",
                status: response.status, cause: error)
        }
    }

    /// Sends a request until there is a success or no use in another attempt.
    ///
    /// - Parameters:
    ///   - operation: what errors call it.
    ///   - retries: in the place of the configuration's.
    ///   - timeout: for one attempt, in the place of the configuration's.
    package func send(
        _ request: AWSHTTPRequest, signedFor service: AWSService, operation: String, retries: AWSRetryPolicy?,
        timeout: Duration?
    ) async throws -> AWSHTTPResponse {
        let policy = retries ?? configuration.retries
        var generator = SystemGenerator()
        var failures = 0
        while true {
            do {
                let response = try await attempt(
                    request, service, operation, number: failures + 1, timeout: timeout ?? configuration.timeout)
                budget.succeed(retried: failures > 0)
                return response
            } catch let error as AWSError {
                failures += 1
                let failure = AWSFailure(error)
                guard let delay = policy.delay(after: failure, failures: failures, using: &generator), budget.spend()
                else { throw error }
                if case .expiredCredentials = failure { await credentials.expire() }
                if delay > .zero { try await clock.sleep(for: delay) }
            }
        }
    }

    /// Waits after the service has taken a request but not carried it out, as if it had failed.
    ///
    /// - Throws: ``AWSError`` if that has happened as often as the retries allow.
    func pause(afterRefusals refusals: Int, of operation: String, cause: AWSError? = nil) async throws {
        var generator = SystemGenerator()
        let delay = configuration.retries.delay(after: .transient, failures: refusals, using: &generator)
        guard let delay, budget.spend() else {
            throw cause
                ?? AWSError(.throttled, operation: operation, message: "nothing was carried out", attempts: refusals)
        }
        try await clock.sleep(for: delay)
    }

    private func attempt(
        _ request: AWSHTTPRequest, _ service: AWSService, _ operation: String, number: Int, timeout: Duration
    ) async throws -> AWSHTTPResponse {
        let credentials: AWSCredentials
        do {
            credentials = try await self.credentials.current(at: now())
        } catch let error as CredentialError {
            throw AWSError(
                .credentials, operation: operation, message: "\(error)", attempts: number, cause: error)
        }
        let signer = SigV4Signer(credentials, region: region(of: service), service: service.signingName)
        let response: AWSHTTPResponse
        do {
            response = try await http.send(signer.sign(request, at: now()), timeout: timeout)
        } catch let error as AWSTransportError {
            throw AWSError(.transport, operation: operation, message: "\(error)", attempts: number, cause: error)
        }
        guard (200..<300).contains(response.status) else {
            throw AWSError(response, operation: operation, attempts: number)
        }
        return response
    }

    private func request(
        _ operation: String, of service: AWSService, _ input: some Encodable
    ) throws -> AWSHTTPRequest {
        guard case .json(let version, let targetPrefix) = service.wire else {
            preconditionFailure("\(service.signingName) doesn't speak a JSON protocol")
        }
        return AWSHTTPRequest(
            .POST, endpoint(of: service),
            headers: [
                "Content-Type": "application/x-amz-json-\(version)", "X-Amz-Target": "\(targetPrefix).\(operation)",
            ],
            body: ByteBuffer(bytes: try Self.json(input)))
    }

    /// The form in which all that is JSON is sent.
    static func json(_ input: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(input)
    }

    func endpoint(of service: AWSService) -> AWSEndpoint {
        if let endpoint = configuration.endpoint { return endpoint }
        if service.isGlobal, region(of: service) == "us-east-1" {
            return AWSEndpoint(host: "\(service.endpointPrefix).amazonaws.com")
        }
        let region = region(of: service)
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return AWSEndpoint(host: "\(service.endpointPrefix).\(region).\(domain)")
    }

    /// For which region a request is signed: a global service has one in each partition.
    private func region(of service: AWSService) -> String {
        let region = configuration.region
        guard service.isGlobal else { return region }
        if region.hasPrefix("cn-") { return "cn-north-1" }
        return region.hasPrefix("us-gov-") ? "us-gov-west-1" : "us-east-1"
    }
}
