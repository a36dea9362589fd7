package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an HTTP API or a function URL gives a function: a request in the payload format 2.0.
package struct HTTPAPIEvent: Sendable, Decodable {
    /// As it was sent, but without what an HTTP API's stage adds.
    package let rawPath: String
    /// Without the question mark; empty if there is none.
    package let rawQueryString: String
    /// With lower-case names; the values of one name are joined by commas.
    package let headers: [String: String]
    package let cookies: [String]?
    package let requestContext: Context
    package let body: String?
    package let isBase64Encoded: Bool

    package struct Context: Sendable, Decodable {
        package let requestID: String
        package let domainName: String?
        package let stage: String?
        package let timeEpoch: Int64?
        package let http: HTTP

        enum CodingKeys: String, CodingKey {
            case requestID = "requestId"
            case domainName, stage, timeEpoch, http
        }
    }

    package struct HTTP: Sendable, Decodable {
        package let method: String
        package let path: String
        package let sourceIp: String?
    }

    /// The body as it was sent.
    ///
    /// - Throws: ``LambdaEventError``.
    package func bytes() throws -> ByteBuffer {
        guard let body else { return ByteBuffer() }
        guard isBase64Encoded else { return ByteBuffer(string: body) }
        guard let data = Data(base64Encoded: body) else { throw LambdaEventError.malformed("body") }
        return ByteBuffer(bytes: data)
    }
}

/// What a function answers to an HTTP API or a function URL, in the payload format 2.0.
package struct HTTPAPIResponse: Sendable, Encodable, Equatable {
    package let statusCode: Int
    package let headers: [String: String]
    package let body: String
    package let isBase64Encoded: Bool

    /// - Parameter body: goes out in base64, unless it is text that JSON can hold.
    package init(statusCode: Int, headers: [String: String], body: ByteBuffer) {
        self.statusCode = statusCode
        self.headers = headers
        if let text = String(validating: body.readableBytesView, as: UTF8.self) {
            self.body = text
            isBase64Encoded = false
        } else {
            self.body = Data(body.readableBytesView).base64EncodedString()
            isBase64Encoded = true
        }
    }
}
