import Crypto
package import Everyline
import NIOCore
import NIOHTTP1

/// Signs requests with AWS Signature Version 4. Pure: the date is an argument.
package struct SigV4Signer: Sendable {
    private let credentials: AWSCredentials
    private let region: String
    private let service: String

    /// - Parameter service: the name in the credential scope, such as `dynamodb` or `execute-api`.
    package init(_ credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The request with its `Host`, `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization`. Every other header that
    /// it has is signed as it is, so nothing may change or be added on the way but what SigV4 leaves unsigned
    /// (`Connection`, `User-Agent`, …).
    package func sign(_ request: AWSHTTPRequest, at time: Timestamp) -> AWSHTTPRequest {
        let date = SigningDate(time)
        var signed = request
        signed.headers.replaceOrAdd(name: "Host", value: request.endpoint.hostHeader)
        signed.headers.replaceOrAdd(name: "X-Amz-Date", value: date.full)
        if let token = credentials.sessionToken {
            signed.headers.replaceOrAdd(name: "X-Amz-Security-Token", value: token)
        }
        let canonical = CanonicalRequest(signed)
        let scope = "\(date.day)/\(region)/\(service)/aws4_request"
        let signature = HMAC<SHA256>.authenticationCode(
            for: Array("AWS4-HMAC-SHA256\n\(date.full)\n\(scope)\n\(canonical.hash)".utf8), using: key(date.day))
        signed.headers.replaceOrAdd(
            name: "Authorization",
            value: "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
                + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature.hexadecimal)")
        return signed
    }

    /// The key for one day, region and service; what signs never sees the secret itself.
    private func key(_ day: String) -> SymmetricKey {
        var key = SymmetricKey(data: Array("AWS4\(credentials.secretAccessKey)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        return key
    }
}

/// A point in time as signatures write it: `20150830T123600Z`, in whole seconds of UTC.
struct SigningDate {
    /// `20150830T123600Z`
    let full: String
    /// `20150830`
    var day: String { String(full.prefix(8)) }

    init(_ time: Timestamp) {
        // 2015-08-30T12:36:00.000Z
        full = time.text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
