import Everyline

/// Reads who asks for a stream out of a request, and has it admitted.
///
/// The WebSocket's gate, the route that answers those it declined, and server-sent events ask the same question here,
/// so that they can't come to different answers.
struct ViewerAdmission: Sendable {
    private let core: ServerCore
    private let admission: StreamAdmission
    private let streams: OpenStreams

    init(core: ServerCore, origins: PageOrigins, limits: OpenStreams.Limits) {
        self.core = core
        admission = StreamAdmission(access: core.access, log: core.log, origins: origins, now: core.now)
        streams = OpenStreams(limits)
    }

    /// - Parameters:
    ///   - query: `token`, and where to begin if the token doesn't say it.
    ///   - origin: the page that a browser asks for, as the request's `Origin` says.
    ///   - authority: the host and port that the request was sent to.
    ///   - resumption: where a client goes on, if it says so elsewhere than in the query.
    /// - Throws: ``ProblemError``, ``StreamRefusal``, or what a store throws.
    func admit(
        _ id: ExecutionID, query: Query, origin: String?, authority: String?, resumption: StreamStart? = nil
    ) async throws -> AdmittedStream<StreamPlace> {
        try query.allow(only: ["token", "after", "last_seen_timestamp", "incarnation"])
        try core.resources.unread.requireRoom()
        let asked = try Cursor(query).start
        let request = StreamRequest(
            id, token: try query.single("token"), start: resumption ?? asked, incarnation: try query.incarnation(),
            origin: origin, authority: authority)
        return try await admission.admit(request, to: streams)
    }

    /// Lets the streams that were opened with this key end, at their next step.
    func revoke(_ key: APIKey.ID) { streams.revoke(key) }
}

extension AdmittedStream {
    /// Where a stream is an answer to a request, the answer says it.
    ///
    /// - Throws: ``LogStoreError/otherIncarnation(_:head:)``.
    func requireSameIncarnation(in log: any LogStore) async throws {
        guard let restoration else { return }
        throw LogStoreError.otherIncarnation(restoration, head: try await log.head(of: execution).offset)
    }
}
