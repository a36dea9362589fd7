package import Everyline
import Hummingbird
import Logging

/// Making, listing and revoking API keys; and what a key's user may do.
struct KeyRoutes {
    let core: ServerCore
    let authenticator: Authenticator
    let limits: ServerConfiguration.Limits
    /// Called after a key is revoked, to end what was begun with it. If it throws, the answer is an error, and revoking
    /// the key again ends the rest.
    let onRevocation: @Sendable (APIKey.ID) async throws -> Void

    func add(to router: Router<EverylineContext>) {
        router.post(RouterPath(APIPath.keys), use: create)
        router.read(RouterPath(APIPath.keys), use: list)
        router.delete(RouterPath(APIPath.keys + "/:id"), use: revoke)
        router.read(RouterPath(APIPath.me), use: me)
    }

    @Sendable func create(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .manageKeys)
        let body = try await JSONBody(
            request, context, core.resources, limit: limits.requestBody, within: limits.bodyTime)
        let wanted = try body.decode(CreateKeyRequest.self, fields: ["user", "role"])
        guard let user = UserID(wanted.user) else {
            throw ProblemError(.invalidRequest, "user must be 1 to 64 of letters, digits and . _ @ + -.")
        }
        guard let role = Role(rawValue: wanted.role) else {
            let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw ProblemError(.invalidRequest, "role must be one of \(known).")
        }
        let (key, secret) = APIKey.make(for: user, role: role, at: core.now())
        try await core.access.add(key)
        context.logger.notice(
            "A key was made", metadata: ["key_id": "\(key.id)", "user": "\(user)", "role": "\(role)"])
        return try .json(KeyView(key, key: secret.value), status: .created)
    }

    @Sendable func list(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .manageKeys)
        return try .json(KeyListResponse(keys: await core.access.keys().map { KeyView($0) }))
    }

    @Sendable func revoke(_ request: Request, context: EverylineContext) async throws -> Response {
        _ = try await authenticator.principal(of: request, may: .manageKeys)
        guard let id = context.parameters.get("id") else {
            throw ProblemError(.unknownKey, "There is no key with this id.")
        }
        try await core.access.revokeKey(id, at: core.now())
        context.logger.notice("A key was revoked", metadata: ["key_id": "\(id.prefix(64))"])
        try await onRevocation(id)
        return Response(status: .noContent)
    }

    @Sendable func me(_ request: Request, context: EverylineContext) async throws -> Response {
        try .json(PrincipalView(await authenticator.principal(of: request, may: .read)))
    }
}

extension APIKey {
    /// A new key and its secret, which is shown this once.
    package static func make(for user: UserID, role: Role, at now: Timestamp) -> (key: APIKey, secret: Secret) {
        var generator = SystemGenerator()
        let secret = Secret(.apiKey, using: &generator)
        let id = ExecutionID(at: now, using: &generator).rawValue
        return (APIKey(id: id, user: user, role: role, hash: secret.hash, createdAt: now), secret)
    }
}
