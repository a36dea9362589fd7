import Everyline
import HTTPTypes
import Hummingbird

/// Builds the URLs that answers hold: from the configured public URL, else from the request's own authority.
struct Addresses {
    let publicURL: String?
    let isTLS: Bool

    func http(_ path: String, token: Secret? = nil, for request: Request) -> String {
        base(of: request) + path + (token.map { "?token=\($0.value)" } ?? "")
    }

    func webSocket(of execution: ExecutionID, token: Secret, for request: Request) -> String {
        // http → ws, https → wss
        "ws" + http(APIPath.stream(of: execution), token: token, for: request).dropFirst(4)
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
