import Everyline
import NIOCore
import NIOHTTP1

/// The credentials of an EC2 instance's role, from its metadata service, version 2 (with a session's token; version 1,
/// which asks for no token, is never used).
package struct InstanceCredentials: CredentialSource {
    private let isDisabled: Bool
    private let http: any AWSHTTP
    private let endpoint: AWSEndpoint

    /// - Parameter environment: `AWS_EC2_METADATA_DISABLED` and `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    package init(_ environment: [String: String], http: any AWSHTTP) {
        isDisabled = environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true"
        endpoint =
            environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].flatMap { AWSEndpoint($0) }
            ?? AWSEndpoint(scheme: "http", host: "169.254.169.254")
        self.http = http
    }

    package func credentials() async throws -> AWSCredentials? {
        guard !isDisabled, let token = try await token() else { return nil }
        guard let names = try await get(Self.path, token) else { return nil }
        guard let role = String(buffer: names).split(whereSeparator: \.isNewline).first else { return nil }
        guard let document = try await get(Self.path + PercentEncoding.encode(String(role)), token) else {
            throw CredentialError.unavailable(place: Self.place, reason: "the role \(role) has none")
        }
        return try CredentialDocument.credentials(from: document, place: Self.place)
    }

    private static let place = "the instance's metadata"
    private static let path = "/latest/meta-data/iam/security-credentials/"

    /// A session's token; `nil` where there is no such service, which is what any machine outside of EC2 is like.
    private func token() async throws -> String? {
        let request = AWSHTTPRequest(
            .PUT, endpoint, path: "/latest/api/token", headers: ["X-aws-ec2-metadata-token-ttl-seconds": "300"])
        do {
            let response = try await http.send(request, timeout: .seconds(1))
            return response.status == 200 ? String(buffer: response.body) : nil
        } catch is AWSTransportError {
            return nil
        }
    }

    /// - Returns: `nil` for what isn't there.
    private func get(_ path: String, _ token: String) async throws -> ByteBuffer? {
        let request = AWSHTTPRequest(.GET, endpoint, path: path, headers: ["X-aws-ec2-metadata-token": token])
        let response: AWSHTTPResponse
        do {
            response = try await http.send(request, timeout: .seconds(1))
        } catch let error as AWSTransportError {
            throw CredentialError.unavailable(place: Self.place, reason: "\(error)")
        }
        switch response.status {
        case 200: return response.body
        case 404: return nil
        default: throw CredentialError.unavailable(place: Self.place, reason: "status \(response.status)")
        }
    }
}
