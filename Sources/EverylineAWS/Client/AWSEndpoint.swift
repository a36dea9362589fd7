/// Where a service answers: a scheme, a host, and a port where it isn't the scheme's own.
package struct AWSEndpoint: Sendable, Hashable {
    package let scheme: String
    package let host: String
    package let port: Int?
    /// What comes before every path, such as the stage of a gateway: empty, or from a slash to before one.
    package let basePath: String

    /// - Parameter basePath: percent-encoded as it stands on the wire.
    package init(scheme: String = "https", host: String, port: Int? = nil, basePath: String = "") {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    /// Reads `http[s]://host[:port][/path]`; `nil` for anything else.
    package init?(_ url: some StringProtocol) {
        guard let mark = url.firstRange(of: "://") else { return nil }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let rest = url[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard !authority.contains(where: { "@?#".contains($0) }) else { return nil }
        // The last colon, unless it is one of an IPv6 address's own.
        let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
        let host = authority[..<(colon ?? authority.endIndex)]
        var port: Int?
        if let colon {
            guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
            port = Int(number)
        }
        guard !host.isEmpty else { return nil }
        var path = String(rest[authority.endIndex...])
        while path.hasSuffix("/") { path.removeLast() }
        self.init(scheme: scheme, host: String(host), port: port, basePath: path)
    }

    /// `host`, or `host:port` where the port isn't the scheme's own: what is sent and signed as `Host`.
    package var hostHeader: String {
        guard let port, port != (scheme == "https" ? 443 : 80) else { return host }
        return "\(host):\(port)"
    }

    var origin: String { "\(scheme)://\(hostHeader)" }
}
