package import Everyline
package import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The WebSocket connections of one stage of an API: `@connections`. All throw ``AWSError``.
///
/// A connection that is gone is ``AWSError/Code/gone``; so is one whose `$connect` has not returned yet, because until
/// then there is none ("the connection isn't established until the integration has finished", API Gateway's developer
/// guide).
package struct APIGatewayConnections: Sendable {
    private let client: AWSClient
    private let endpoint: AWSEndpoint

    /// What one message may hold, and what the gateway refuses beyond (128 KiB, API Gateway's quotas).
    package static let messageLimit: ByteCount = .kibibytes(128)

    private static let postRetries = AWSRetryPolicy(attempts: 2, triesThrottled: false)

    /// - Parameter endpoint: `https://ID.execute-api.REGION.amazonaws.com/STAGE`.
    package init(_ endpoint: AWSEndpoint, client: AWSClient) {
        self.endpoint = endpoint
        self.client = client
    }

    /// Hands one text message to the gateway: when this returns, it was accepted, not received.
    ///
    /// A refusal isn't tried again: the caller decides what it means, because "too many requests" is also what a viewer
    /// that doesn't read looks like. What had no answer is, once: a function that was frozen finds its connections
    /// closed. So a message may be accepted twice.
    package func post(_ message: ByteBuffer, to connection: String, timeout: Duration = .seconds(5)) async throws {
        var request = request(.POST, connection)
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = message
        _ = try await send(request, "PostToConnection", retries: Self.postRetries, timeout: timeout)
    }

    /// Closes a connection.
    package func delete(_ connection: String) async throws {
        _ = try await send(request(.DELETE, connection), "DeleteConnection", retries: nil, timeout: nil)
    }

    /// What the gateway knows of a connection.
    package func get(_ connection: String) async throws -> Connection {
        let response = try await send(request(.GET, connection), "GetConnection", retries: nil, timeout: nil)
        do {
            return try JSONDecoder().decode(Connection.self, from: Data(response.body.readableBytesView))
        } catch {
            throw AWSError(
                .unexpectedAnswer, operation: "execute-api.GetConnection",
                message: "the answer isn't what the operation gives", status: response.status, cause: error)
        }
    }

    package struct Connection: Sendable, Equatable, Decodable {
        /// In the form of RFC 3339.
        package let connectedAt: String?
        package let lastActiveAt: String?
    }

    private func send(
        _ request: AWSHTTPRequest, _ operation: String, retries: AWSRetryPolicy?, timeout: Duration?
    ) async throws -> AWSHTTPResponse {
        try await client.send(
            request, signedFor: .connections, operation: "execute-api.\(operation)", retries: retries,
            timeout: timeout)
    }

    /// The `@` stays as it is; a connection's id, which ends in `=`, is encoded once here and once more where it is
    /// signed.
    private func request(_ method: HTTPMethod, _ connection: String) -> AWSHTTPRequest {
        AWSHTTPRequest(
            method, endpoint, path: "\(endpoint.basePath)/@connections/\(PercentEncoding.encode(connection))")
    }
}

extension APIGatewayConnections: Gateway {
    package func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult {
        do {
            try await post(message, to: connection.rawValue)
            return .accepted
        } catch let error as AWSError {
            if error.code == .gone || error.status == 410 { return .gone }
            return error.status == 429 ? .throttled : .failed
        } catch {
            return .failed
        }
    }

    package func close(_ connection: ConnectionID) async {
        // A connection that can't be closed is gone, or goes by itself: idle ones after ten minutes, all after two
        // hours.
        try? await delete(connection.rawValue)
    }
}
