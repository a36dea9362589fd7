import Crypto
import Everyline
import NIOCore
import NIOHTTP1

/// A request in the one form that both sides of a signature hash.
struct CanonicalRequest {
    let text: String
    let signedHeaders: String

    /// - Precondition: the request has the headers that it will have on the wire.
    init(_ request: AWSHTTPRequest) {
        let headers = Self.headers(request.headers)
        signedHeaders = headers.map(\.name).joined(separator: ";")
        text = [
            request.method.rawValue,
            Self.path(request.path),
            Self.query(request.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(),
            signedHeaders,
            request.body.withUnsafeReadableBytes { SHA256.hash(data: $0).hexadecimal },
        ].joined(separator: "\n")
    }

    var hash: String { SHA256.hash(data: Array(text.utf8)).hexadecimal }

    /// What travels as it is encoded once more: on the wire a connection's `=` is `%3D`, in the signature `%253D`.
    private static func path(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        let isDirectory = !segments.isEmpty && path.hasSuffix("/")
        return PercentEncoding.encode(
            "/" + segments.joined(separator: "/") + (isDirectory ? "/" : ""), keepsSlashes: true)
    }

    private static func query(_ query: [AWSHTTPRequest.QueryItem]) -> String {
        query.map { (name: PercentEncoding.encode($0.name), value: PercentEncoding.encode($0.value)) }
            .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    private static func headers(_ headers: HTTPHeaders) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for header in headers {
            let name = header.name.lowercased()
            guard !unsigned.contains(name) else { continue }
            values[name, default: []].append(
                header.value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " "))
        }
        return values.map { (name: $0.key, value: $0.value.joined(separator: ",")) }.sorted { $0.name < $1.name }
    }

    /// Proxies and the HTTP client may set or change these.
    private static let unsigned: Set<String> = [
        "authorization", "connection", "content-length", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id",
    ]
}
