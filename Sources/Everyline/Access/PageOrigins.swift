/// The origins whose pages may open streams: where the viewer's own page is, and what else was allowed.
///
/// A browser says where a page comes from, and a page of another site must not use what the browser can reach (RFC 6455,
/// section 10.2). A client that sends no origin is no browser.
package struct PageOrigins: Sendable {
    private let allowed: Set<String>

    package init(_ origins: some Sequence<String>) { allowed = Set(origins.map { $0.lowercased() }) }

    /// - Parameter authority: the host and port that the request was sent to, where the page is served there too.
    package func admit(_ origin: String?, at authority: String? = nil) -> Bool {
        guard let origin = origin?.lowercased() else { return true }
        let own = authority.map { ["http://\($0)", "https://\($0)"].map { $0.lowercased() } } ?? []
        return allowed.contains(origin) || own.contains(origin)
    }
}
