package import Everyline
package import NIOCore
package import NIOHTTP1

/// Sends one HTTP request and gives the whole answer, whatever its status.
package protocol AWSHTTP: Sendable {
    /// - Parameter timeout: for the whole exchange.
    /// - Throws: ``AWSTransportError``, or `CancellationError`.
    func send(_ request: AWSHTTPRequest, timeout: Duration) async throws -> AWSHTTPResponse
}

/// One request as it goes out.
package struct AWSHTTPRequest: Sendable, Equatable {
    package struct QueryItem: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: HTTPMethod
    package var endpoint: AWSEndpoint
    /// Percent-encoded, from the first slash, as it stands on the wire.
    package var path: String
    /// Decoded; it is encoded where it is written.
    package var query: [QueryItem]
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(
        _ method: HTTPMethod, _ endpoint: AWSEndpoint, path: String = "/", query: [QueryItem] = [],
        headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()
    ) {
        self.method = method
        self.endpoint = endpoint
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    package var url: String {
        let query = query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
        return endpoint.origin + path + (query.isEmpty ? "" : "?" + query)
    }
}

package struct AWSHTTPResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: Int, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why there is no answer. The request may have been carried out all the same, unless it was never sent.
package enum AWSTransportError: Error, Equatable {
    case unreachable(String)
    case timedOut
    /// The answer is longer than anything that an operation here gives.
    case answerTooLarge(limit: ByteCount)
}
