import Everyline

/// What a viewer that asks for a stream was found to be entitled to.
struct ViewerRequest: Sendable {
    let execution: ExecutionID
    /// The events after this one follow.
    let after: Offset
    /// Is kept for as long as the stream is open.
    let place: ViewerPlace
}

/// Decides whether a request may become a stream, whatever the stream is made of. The upgrade's gate, the route that answers
/// those it declined, and server-sent events ask the same question here, so that they can't come to different answers.
struct ViewerAdmission: Sendable {
    let core: ServerCore
    let authenticator: Authenticator
    let counter: ViewerCounter
    let origins: PageOrigins

    /// - Parameters:
    ///   - origin: the page that a browser asks for, as the request's `Origin` says.
    ///   - authority: the host and port that the request was sent to.
    ///   - resumption: where a client goes on, if it says so elsewhere than in the query.
    /// - Throws: ``APIError``, or what a store throws.
    func admit(
        _ id: ExecutionID, query: Query, origin: String?, authority: String?, resumption: StreamStart? = nil
    ) async throws -> ViewerRequest {
        try query.allow(only: "token", "after", "last_seen_timestamp")
        guard origins.admit(origin, at: authority) else {
            throw APIError(.forbidden, "Streams may not be opened from a page of this origin.")
        }
        while true {
            let revocations = counter.revocations
            let token = try await authenticator.viewer(token: query.single("token"), of: id)
            let start = try Cursor(query).start ?? token.start
            let after = try await (resumption ?? start).offset(in: id, of: core.log)
            // Where a key was revoked meanwhile, it may be this one: the token is looked at again.
            if let place = try counter.place(under: token.key, revocations: revocations) {
                return ViewerRequest(execution: id, after: after, place: place)
            }
        }
    }
}
