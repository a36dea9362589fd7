/// Decides who may open a stream and from where on, and takes its place among those that are open.
///
/// A server's WebSockets and server-sent events ask here, and so do the connections of a gateway: they can't come to
/// different answers. From the answer on a stream has its place, so two requests can't both get the last one; and a
/// key's revocation finds each stream that has its place by then, or was seen here.
package struct StreamAdmission: Sendable {
    private let access: any AccessStore
    private let log: any LogReader
    private let origins: PageOrigins
    private let now: @Sendable () -> Timestamp

    package init(
        access: any AccessStore, log: any LogReader, origins: PageOrigins, now: @escaping @Sendable () -> Timestamp
    ) {
        self.access = access
        self.log = log
        self.origins = origins
        self.now = now
    }

    /// - Throws: ``StreamRefusal``, ``StreamStart/InvalidStart``, or what a store throws.
    package func admit<Places: StreamPlaces>(
        _ request: StreamRequest, to places: Places
    ) async throws -> AdmittedStream<Places.Place> {
        guard origins.admit(request.origin, at: request.authority) else { throw StreamRefusal.origin }
        let revocations = places.revocations
        guard let token = try await token(of: request) else { throw StreamRefusal.token }
        let (after, restoration) = try await start(of: request, token)
        let place = try await places.take(under: token.key, for: request.execution, after: after)
        // Where a key was revoked meanwhile, it may be this one. Now that it has its place, one that follows finds it.
        if revocations == nil || revocations != places.revocations {
            guard try await isValid(request, place, of: places) else { throw StreamRefusal.token }
        }
        return AdmittedStream(execution: request.execution, after: after, place: place, restoration: restoration)
    }

    private func isValid<Places: StreamPlaces>(
        _ request: StreamRequest, _ place: Places.Place, of places: Places
    ) async throws -> Bool {
        do {
            if try await token(of: request) != nil { return true }
        } catch {
            await places.leave(place)
            throw error
        }
        await places.leave(place)
        return false
    }

    private func token(of request: StreamRequest) async throws -> StreamToken? {
        guard let secret = request.token else { return nil }
        return try await access.streamToken(secret, for: request.execution, at: now())
    }

    private func start(
        of request: StreamRequest, _ token: StreamToken
    ) async throws -> (after: Offset, restoration: Restoration?) {
        if let known = request.incarnation ?? token.incarnation,
            let restoration = try await log.restoration(of: request.execution, since: known)
        {
            return (restoration.base, restoration)
        }
        return (try await (request.start ?? token.start).offset(in: request.execution, of: log), nil)
    }
}

/// Who asks for a stream, and from where on.
package struct StreamRequest: Sendable {
    package let execution: ExecutionID
    /// The stream token's secret.
    package let token: String?
    /// Where it begins; `nil` where the token says it.
    package let start: StreamStart?
    /// As which the client knows the data; `nil` where the token says it.
    package let incarnation: Incarnation?
    /// The page that a browser asks for.
    package let origin: String?
    /// The host and port that the request was sent to.
    package let authority: String?

    package init(
        _ execution: ExecutionID, token: String?, start: StreamStart?, incarnation: Incarnation? = nil, origin: String?,
        authority: String? = nil
    ) {
        self.execution = execution
        self.token = token
        self.start = start
        self.incarnation = incarnation
        self.origin = origin
        self.authority = authority
    }
}

/// The places of the streams that are open.
package protocol StreamPlaces: Sendable {
    associatedtype Place: Sendable

    /// How many keys have been revoked so far; `nil` where that isn't known.
    var revocations: UInt64? { get }

    /// Takes a place for a stream, under its key and in all, or neither.
    ///
    /// - Throws: ``StreamRefusal/tooManyUnderKey``, ``StreamRefusal/tooMany``, or what a store throws.
    func take(under key: APIKey.ID, for execution: ExecutionID, after offset: Offset) async throws -> Place

    /// Gives a place up that was just taken.
    func leave(_ place: Place) async
}

/// A stream that may be opened, and the place that it has among those that are open.
package struct AdmittedStream<Place: Sendable>: Sendable {
    package let execution: ExecutionID
    /// The events after this one follow.
    package let after: Offset
    package let place: Place
    /// What the viewer must forget: then nothing follows, and it must ask for the log anew.
    package let restoration: Restoration?
}

/// Why a stream may not be opened.
package enum StreamRefusal: Error, Equatable {
    /// A page of this origin may not.
    case origin
    /// There is no token that is valid for this execution now.
    case token
    /// The key has as many streams as it may have.
    case tooManyUnderKey
    /// The server has.
    case tooMany
}
