import NIOCore
import NIOHTTP1

/// The credentials of a container's role: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (ECS), or
/// `AWS_CONTAINER_CREDENTIALS_FULL_URI` with an authorization token or the file that holds one (EKS and others).
package struct ContainerCredentials: CredentialSource {
    private let environment: [String: String]
    private let http: any AWSHTTP
    private let readFile: @Sendable (String) throws -> String

    /// - Parameter readFile: a file's text; it is asked for the token each time, since tokens rotate.
    package init(
        _ environment: [String: String], http: any AWSHTTP, readFile: @escaping @Sendable (String) throws -> String
    ) {
        self.environment = environment
        self.http = http
        self.readFile = readFile
    }

    package func credentials() async throws -> AWSCredentials? {
        guard let (endpoint, path) = try address() else { return nil }
        var request = AWSHTTPRequest(.GET, endpoint, path: path, headers: ["Accept": "application/json"])
        if let token = try token() { request.headers.add(name: "Authorization", value: token) }
        let response: AWSHTTPResponse
        do {
            response = try await http.send(request, timeout: .seconds(2))
        } catch let error as AWSTransportError {
            throw CredentialError.unavailable(place: Self.place, reason: "\(error)")
        }
        guard response.status == 200 else {
            throw CredentialError.unavailable(place: Self.place, reason: "status \(response.status)")
        }
        return try CredentialDocument.credentials(from: response.body, place: Self.place)
    }

    private static let place = "the container's agent"

    private func address() throws -> (AWSEndpoint, String)? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], !path.isEmpty {
            guard path.hasPrefix("/") else { throw Self.badAddress }
            return (AWSEndpoint(scheme: "http", host: "169.254.170.2"), path)
        }
        guard let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"], !url.isEmpty else { return nil }
        guard let endpoint = AWSEndpoint(url), endpoint.scheme == "https" || Self.agents.contains(endpoint.host) else {
            throw Self.badAddress
        }
        let bare = AWSEndpoint(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port)
        return (bare, endpoint.basePath.isEmpty ? "/" : endpoint.basePath)
    }

    /// The hosts to which a token may go unencrypted: this machine's, and the agents of ECS and EKS.
    private static let agents: Set<String> = [
        "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    ]

    private static let badAddress = CredentialError.invalid(
        place: place, reason: "its address is neither https nor an agent's on this host")

    private func token() throws -> String? {
        let token: String?
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"], !path.isEmpty {
            do {
                token = try readFile(path)
            } catch {
                throw CredentialError.unavailable(place: Self.place, reason: "the token's file can't be read")
            }
        } else {
            token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        }
        guard var token, !token.isEmpty else { return nil }
        while token.last?.isNewline == true { token.removeLast() }
        guard !token.contains(where: \.isNewline) else {
            throw CredentialError.invalid(place: Self.place, reason: "its token has a line break")
        }
        return token
    }
}
