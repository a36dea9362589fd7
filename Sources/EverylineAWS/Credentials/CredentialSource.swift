/// Gets credentials from one place.
package protocol CredentialSource: Sendable {
    /// - Throws: ``CredentialError``.
    /// - Returns: `nil` if this place isn't set up at all; then the next one is asked.
    func credentials() async throws -> AWSCredentials?
}

/// Why there are no credentials. It says where they were looked for and never what was found.
package enum CredentialError: Error, Equatable, CustomStringConvertible {
    /// No place is set up.
    case none
    /// A place is set up, but what it says can't be used.
    case invalid(place: String, reason: String)
    /// A place doesn't answer.
    case unavailable(place: String, reason: String)

    package var description: String {
        switch self {
        case .none: "no AWS credentials were found in the environment, the profile, the container or the instance"
        case .invalid(let place, let reason): "the AWS credentials of \(place) can't be used: \(reason)"
        case .unavailable(let place, let reason): "no AWS credentials from \(place): \(reason)"
        }
    }
}

/// Asks one place after the other; the first that is set up decides.
package struct CredentialChain: CredentialSource {
    private let sources: [any CredentialSource]

    package init(_ sources: [any CredentialSource]) { self.sources = sources }

    package func credentials() async throws -> AWSCredentials? {
        for source in sources {
            if let credentials = try await source.credentials() { return credentials }
        }
        return nil
    }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`: what Lambda gives its functions. They outlive
/// the process there, so they have no expiry.
package struct EnvironmentCredentials: CredentialSource {
    private let environment: [String: String]

    package init(_ environment: [String: String]) { self.environment = environment }

    package func credentials() async throws -> AWSCredentials? {
        let id = environment["AWS_ACCESS_KEY_ID"] ?? ""
        let secret = environment["AWS_SECRET_ACCESS_KEY"] ?? ""
        if id.isEmpty && secret.isEmpty { return nil }
        guard !id.isEmpty, !secret.isEmpty else {
            throw CredentialError.invalid(place: "the environment", reason: "only one of the key's two halves is set")
        }
        let token = environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token)
    }
}
