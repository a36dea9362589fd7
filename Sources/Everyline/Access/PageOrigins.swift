/// The origins whose pages may open streams: where the viewer's own page is, and what else was allowed.
///
/// A browser says where a page comes from, and a page of another site must not use what the browser can reach (RFC
/// 6455, section 10.2). A client that sends no origin is no browser.
package struct PageOrigins: Sendable {
    private let allowed: Set<String>

    /// - Parameter urls: of pages, or of the places where they are; all of such a place may open streams.
    package init(_ urls: some Sequence<String>) { allowed = Set(urls.map(Self.origin)) }

    /// A URL's origin as browsers write it (RFC 6454, section 6.1): its scheme and authority, in lower case, without
    /// the scheme's own port.
    package static func origin(of url: String) -> String {
        let origin = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(
            separator: "/"
        )
        .lowercased()
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")]
        where origin.hasPrefix(scheme) && origin.hasSuffix(port) {
            return String(origin.dropLast(port.count))
        }
        return origin
    }

    /// - Parameter authority: the host and port that the request was sent to, where the page is served there too.
    package func admit(_ origin: String?, at authority: String? = nil) -> Bool {
        guard let origin = origin?.lowercased() else { return true }
        let own = authority.map { ["http://\($0)", "https://\($0)"].map { $0.lowercased() } } ?? []
        return allowed.contains(origin) || own.contains(origin)
    }
}
