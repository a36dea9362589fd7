import Crypto
package import Everyline
package import HTTPTypes
package import Hummingbird

/// Finds out which user asks, from nothing but the secret that a request shows. Every route begins with one of its
/// verbs.
package final class Authenticator: Sendable {
    private let executions: any ExecutionStore
    private let access: any AccessStore
    private let now: @Sendable () -> Timestamp
    /// Append tokens never change, so the ones in use are kept: an append shouldn't wait for a second read.
    private let appendTokens = BoundedCache<ExecutionID, SecretHash>(limit: 4096)

    package init(
        executions: any ExecutionStore, access: any AccessStore, now: @escaping @Sendable () -> Timestamp
    ) {
        self.executions = executions
        self.access = access
        self.now = now
    }

    /// The holder of the API key that the request shows, if that key's role allows the action.
    package func principal(of request: Request, may action: Principal.Action) async throws -> Principal {
        guard let secret = Self.secret(in: request.headers) else {
            throw ProblemError(.unauthorized, "Send an API key: Authorization: Bearer KEY, or X-API-Key: KEY.")
        }
        guard let key = try await access.key(SecretHash(of: secret)) else {
            throw ProblemError(.unauthorized, "The API key is not valid, or it was revoked.")
        }
        guard key.principal.may(action) else {
            throw ProblemError(.forbidden, "The role \(key.role.rawValue) may not do this.")
        }
        return key.principal
    }

    /// Checks that the request shows the append token of this execution.
    package func producer(of request: Request, for execution: ExecutionID) async throws {
        guard let secret = Self.secret(in: request.headers) else {
            throw ProblemError(.unauthorized, "Send the execution's append token: Authorization: Bearer TOKEN.")
        }
        let shown = SecretHash(of: secret)
        let known = try await appendToken(of: execution)
        guard shown == known else {
            throw ProblemError(.unauthorized, "The append token is not this execution's.")
        }
    }

    /// The append token for who asks for it with an API key under this idempotency key, each time that it does.
    func appendToken(for registration: IdempotencyKey, of request: Request) -> Secret? {
        Self.secret(in: request.headers).map { Secret(appendTokenFor: registration, askedWith: $0) }
    }

    /// Whether the headers show the append token of this execution and the token is in memory, so that it can be said
    /// at once.
    func isKnownProducer(_ headers: HTTPFields, of execution: ExecutionID) -> Bool {
        guard let known = appendTokens[execution], let secret = Self.secret(in: headers) else {
            return false
        }
        return SecretHash(of: secret) == known
    }

    func appendToken(of execution: ExecutionID) async throws -> SecretHash {
        if let known = appendTokens[execution] { return known }
        let token = try await executions.appendToken(of: execution)
        appendTokens[execution] = token
        return token
    }

    /// The secret that a request shows; a bearer's `Authorization` goes before `X-API-Key`.
    private static func secret(in headers: HTTPFields) -> String? {
        guard let value = headers[.authorization] else { return headers[.apiKey] }
        // By bytes: each request is asked for its secret, and looking for characters takes longer.
        let text = value.utf8.drop { $0 == UInt8(ascii: " ") }
        let scheme = text.prefix { $0 != UInt8(ascii: " ") }
        let secret = text[scheme.endIndex...].trimmingBlanks()
        guard scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }), !secret.isEmpty else {
            return headers[.apiKey]
        }
        return String(Substring(secret))
    }
}

extension HTTPField.Name {
    package static let apiKey = Self.constant(APIHeader.apiKey)
    package static let idempotencyKey = Self.constant(APIHeader.idempotencyKey)
    package static let requestID = Self.constant(APIHeader.requestID)
    package static let lastOffset = Self.constant(APIHeader.lastOffset)
    package static let incarnation = Self.constant(APIHeader.incarnation)
    package static let nextAfter = Self.constant(APIHeader.nextAfter)
    package static let accelBuffering = Self.constant("X-Accel-Buffering")
    package static let lastEventID = Self.constant("Last-Event-ID")
    package static let forwardedProto = Self.constant("X-Forwarded-Proto")

    private static func constant(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("\(name) is no header's name") }
        return name
    }
}

extension Substring.UTF8View {
    fileprivate func trimmingBlanks() -> Self {
        var rest = drop { $0 == UInt8(ascii: " ") }
        while rest.last == UInt8(ascii: " ") { rest.removeLast() }
        return rest
    }
}
