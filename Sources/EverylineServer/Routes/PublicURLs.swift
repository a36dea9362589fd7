import Everyline
import HTTPTypes
import Hummingbird

/// Builds the URLs that answers hold: from the configured public URL, else from the request's own authority.
struct PublicURLs: Sendable {
    let publicURL: String?
    let isTLS: Bool
    /// Where streams are, if that isn't here. There a viewer speaks first.
    var streams: StreamGateway?

    func http(_ path: String, token: Secret? = nil, for request: Request) -> String {
        base(of: request) + path + (token.map { "?token=\($0.value)" } ?? "")
    }

    func webSocket(
        of execution: ExecutionID, token: Secret, after offset: Offset = .zero, for request: Request
    ) -> String {
        if let streams { return streams.url(of: execution, token: token.value, after: offset) }
        // http → ws, https → wss
        return "ws" + http(APIPath.execution(execution, .stream), token: token, for: request).dropFirst(4)
    }

    /// The log as server-sent events; `nil` where only WebSocket is spoken.
    func events(of execution: ExecutionID, token: Secret, for request: Request) -> String? {
        streams == nil ? http(APIPath.execution(execution, .events), token: token, for: request) : nil
    }

    /// Where streams may be, by either scheme: a proxy before the server may end TLS.
    func webSocketOrigins(for request: Request) -> [String] {
        if let streams { return [PageOrigins.origin(of: streams.address)] }
        // Without the path: a policy's path that doesn't end in a slash stands for itself alone.
        let authority = base(of: request).drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        return ["ws://\(authority)", "wss://\(authority)"]
    }

    private func base(of request: Request) -> String {
        if let publicURL { return publicURL }
        let authority = request.head.authority.flatMap(Self.harmless) ?? "localhost"
        return (isTLS ? "https://" : "http://") + authority
    }

    /// An authority as it may stand in a URL, so that a forged `Host` puts nothing else there.
    private static func harmless(_ authority: String) -> String? {
        let allowed = authority.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-._:[]".utf8.contains(byte)
            }
        }
        return allowed && !authority.isEmpty && authority.utf8.count <= 255 ? authority : nil
    }
}
