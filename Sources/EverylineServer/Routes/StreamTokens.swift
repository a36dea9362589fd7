import Everyline

/// Issues the tokens that stand in streams' URLs.
struct StreamTokens {
    let access: any AccessStore
    let now: @Sendable () -> Timestamp
    let lifetime: Duration

    /// A new token; only its hash is kept.
    func issue(for execution: ExecutionID, to principal: Principal, start: StreamStart) async throws -> Secret {
        var generator = SystemGenerator()
        let secret = Secret(.streamToken, using: &generator)
        try await access.add(
            StreamToken(
                hash: secret.hash, execution: execution, user: principal.user, key: principal.key, start: start,
                expiresAt: now() + lifetime))
        return secret
    }
}
