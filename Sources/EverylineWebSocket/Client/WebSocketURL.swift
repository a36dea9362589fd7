/// Where a client connects to: a `ws://` or `wss://` address (`http` and `https` mean the same).
package struct WebSocketURL: Hashable, Sendable {
    package let isSecure: Bool
    /// A name or an address, without the brackets of IPv6.
    package let host: String
    package let port: Int
    /// The `Host` header.
    package let authority: String
    /// Path and query.
    package let target: String

    /// - Throws: ``WebSocketError/invalidURL(_:)``.
    package init(_ text: String) throws(WebSocketError) {
        guard let scheme = text.firstRange(of: "://") else { throw .invalidURL(text) }
        switch text[..<scheme.lowerBound].lowercased() {
        case "ws", "http": isSecure = false
        case "wss", "https": isSecure = true
        default: throw .invalidURL(text)
        }
        let rest = text[scheme.upperBound...]
        let pathStart = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<pathStart]
        let target = rest[pathStart...].prefix { $0 != "#" }
        let isVisible = { (byte: UInt8) in byte > 0x20 && byte != 0x7F }
        // What a server would refuse as a Host isn't sent.
        guard RequestFault.isHost(String(authority)), text.utf8.allSatisfy(isVisible),
            let (host, port) = Self.split(authority, defaultPort: isSecure ? 443 : 80)
        else { throw .invalidURL(text) }
        (self.host, self.port) = (host, port)
        self.authority = String(authority)
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    /// The host and the port of `host`, `host:port`, `[v6]` and `[v6]:port`.
    private static func split(_ authority: Substring, defaultPort: Int) -> (String, Int)? {
        var (host, rest) = (authority, Substring())
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            (host, rest) = (authority[..<colon], authority[colon...])
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty { return (String(host), defaultPort) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return (String(host), Int(port))
    }
}
