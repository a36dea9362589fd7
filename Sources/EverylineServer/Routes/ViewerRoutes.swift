import Everyline
import HTTPTypes
import Hummingbird

/// The viewer's pages and what they load. None of it needs a key, because none of it says anything of an execution: the
/// pages ask the API, with the key that their reader types in.
struct ViewerRoutes {
    let publicURLs: PublicURLs

    func add(to router: Router<EverylineContext>) {
        router.read("/") { request, _ in answer(.executions, request) }
        router.read("/executions/:id") { request, _ in answer(.log, request) }
        router.read("/assets/:version/:name") { request, context in
            guard let asset = context.parameters.get("name").flatMap(ViewerAsset.named) else {
                throw ProblemError(.notFound, "There is no such file.")
            }
            // A page that was loaded before the server was renewed gets what there is now.
            let isCurrent = context.parameters.get("version") == ViewerAsset.version
            return answer(asset, request, for: isCurrent ? "public, max-age=31536000, immutable" : "no-cache")
        }
    }

    private func answer(_ asset: ViewerAsset, _ request: Request, for caching: String = "no-cache") -> Response {
        var headers: HTTPFields = [
            .contentType: asset.type, .cacheControl: caching, .vary: "Accept-Encoding",
            .contentSecurityPolicy: policy(for: request), .xContentTypeOptions: "nosniff",
        ]
        headers[.referrerPolicy] = "no-referrer"
        headers[.crossOriginOpenerPolicy] = "same-origin"
        let allowsGzip = AcceptEncoding(request.headers[.acceptEncoding]).allowsGzip
        headers[.eTag] = allowsGzip ? "\(asset.etag.dropLast())-gzip\"" : asset.etag
        if let seen = request.headers[.ifNoneMatch], EntityTags(seen).contains(asset.etag) {
            return Response(status: .notModified, headers: headers)
        }
        if allowsGzip { headers[.contentEncoding] = "gzip" }
        return Response(
            status: .ok, headers: headers, body: .init(byteBuffer: allowsGzip ? asset.compressed : asset.content))
    }

    /// What the pages may do: load what the server serves, talk to it, and nothing else. Colours that a log sets are
    /// set by script, so no style in markup is needed.
    private func policy(for request: Request) -> String {
        let streams = publicURLs.webSocketOrigins(for: request).joined(separator: " ")
        return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' \(streams); "
            + "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = Self.known("Referrer-Policy")
    fileprivate static let crossOriginOpenerPolicy = Self.known("Cross-Origin-Opener-Policy")

    private static func known(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("\(name) is no header's name") }
        return name
    }
}
