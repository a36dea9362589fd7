package import Everyline

/// Keeps what a source gave, and asks it again in time.
///
/// Within the last five minutes before they expire one caller renews the credentials while the others go on with the
/// old ones, which stay in use if that fails. Within the last minute no caller is given them.
package actor CredentialCache {
    private let source: any CredentialSource
    private var kept: AWSCredentials?
    private var isRenewing = false

    static let renewal: Duration = .seconds(300)
    static let margin: Duration = .seconds(60)

    package init(_ source: any CredentialSource) { self.source = source }

    /// - Throws: ``CredentialError``.
    package func current(at now: Timestamp) async throws -> AWSCredentials {
        guard let kept, kept.remains(Self.margin, after: now) else { return try await renew() }
        if kept.remains(Self.renewal, after: now) || isRenewing { return kept }
        isRenewing = true
        defer { isRenewing = false }
        do {
            return try await renew()
        } catch is CredentialError {
            // They are still good for a while, and the next caller tries again.
            return kept
        }
    }

    /// The service says that they are no good any more, whatever they say themselves.
    package func expire() { kept = nil }

    private func renew() async throws -> AWSCredentials {
        guard let new = try await source.credentials() else { throw CredentialError.none }
        kept = new
        return new
    }
}

extension AWSCredentials {
    fileprivate func remains(_ time: Duration, after now: Timestamp) -> Bool {
        expiresAt.map { now + time < $0 } ?? true
    }
}
