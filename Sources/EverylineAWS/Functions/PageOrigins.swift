/// The origins whose pages may open streams: where the viewer's own page is, and what else was allowed.
///
/// A browser says where a page comes from, and a page of another site must not use what the browser can reach (RFC 6455,
/// section 10.2). Who sends no origin is no browser.
package struct PageOrigins: Sendable {
    private let allowed: Set<String>

    package init(_ origins: some Sequence<String>) { allowed = Set(origins.map { $0.lowercased() }) }

    func admit(_ origin: String?) -> Bool { origin.map { allowed.contains($0.lowercased()) } ?? true }
}
