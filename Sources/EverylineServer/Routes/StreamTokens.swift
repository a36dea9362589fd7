import Everyline

/// Issues the tokens that stand in streams' URLs.
struct StreamTokens {
    let access: any AccessStore
    let now: @Sendable () -> Timestamp
    let lifetime: Duration

    func issue(
        for execution: ExecutionID, to principal: Principal, start: StreamStart = .beginning,
        in incarnation: Incarnation?
    ) async throws -> Secret {
        let now = now()
        return try await access.issue(
            StreamToken(
                execution: execution, user: principal.user, key: principal.key, start: start,
                expiresAt: now + lifetime, incarnation: incarnation), at: now)
    }
}
