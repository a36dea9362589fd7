package import AsyncHTTPClient
package import Everyline
import NIOCore
import NIOHTTP1
package import NIOPosix

/// ``AWSHTTP`` on AsyncHTTPClient, with connections that are kept.
package struct AsyncHTTP: AWSHTTP {
    /// No operation here gives more: DynamoDB's largest answer holds 16 MB of items, which JSON makes longer.
    package static let answerLimit: ByteCount = .mebibytes(32)

    private let client: HTTPClient
    private let answerLimit: ByteCount

    /// - Parameters:
    ///   - client: the caller's, who shuts it down. ``makeClient(on:)`` makes one that fits.
    ///   - answerLimit: the longest body that is taken.
    package init(_ client: HTTPClient, answerLimit: ByteCount = Self.answerLimit) {
        self.client = client
        self.answerLimit = answerLimit
    }

    /// A client that speaks HTTP/1.1, which is what these services speak, and gives up early on what doesn't answer.
    package static func makeClient(on group: MultiThreadedEventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(3), read: .seconds(30)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = .seconds(50)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    package func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = request.method
        outgoing.headers = request.headers
        if request.body.readableBytes > 0 { outgoing.body = .bytes(request.body) }
        do {
            let deadline = NIODeadline.now() + .milliseconds(timeout.milliseconds)
            let response = try await client.execute(outgoing, deadline: deadline)
            return AWSHTTPResponse(
                status: Int(response.status.code), headers: response.headers,
                body: try await response.body.collect(upTo: answerLimit))
        } catch {
            try Task.checkCancellation()
            throw translate(error)
        }
    }

    private func translate(_ error: any Error) -> any Error {
        switch error {
        case is CancellationError: error
        case is NIOTooManyBytesError: AWSTransportError.answerTooLarge(limit: answerLimit)
        case let error as HTTPClientError:
            switch error {
            case .deadlineExceeded, .readTimeout, .writeTimeout, .connectTimeout, .tlsHandshakeTimeout,
                .getConnectionFromPoolTimeout:
                AWSTransportError.timedOut
            default: AWSTransportError.unreachable(error.shortDescription)
            }
        default: AWSTransportError.unreachable("\(error)")
        }
    }
}
