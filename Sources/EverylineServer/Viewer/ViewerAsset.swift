import Crypto
import Everyline
import EverylineDeflate
import NIOCore

/// One file of the viewer, as it is sent. `scripts/viewer` makes the files of those in `Viewer`, and they are compiled
/// in: a server has exactly those that belong to it.
struct ViewerAsset: Sendable {
    let type: String
    let content: ByteBuffer
    let compressed: ByteBuffer
    /// Strong: a hash of the content, so that a page is loaded again only when it changed.
    let etag: String

    static let executions = ViewerAsset(page: PackageResources.executions_html)
    static let log = ViewerAsset(page: PackageResources.log_html)

    /// Stands in the addresses of what pages load: another content has another address, so a browser may keep what it
    /// has.
    static let version: String = {
        var hash = SHA256()
        for (_, source) in styles + scripts { hash.update(data: source) }
        hash.update(data: PackageResources.log_dialogs_html)
        return hash.finalize().prefix(3).hexadecimal
    }()

    static func named(_ name: String) -> ViewerAsset? { files[name] }

    private static let files: [String: ViewerAsset] = {
        var files: [String: ViewerAsset] = [:]
        files["log-dialogs.html"] = ViewerAsset(page: PackageResources.log_dialogs_html)
        for (name, source) in styles {
            files["\(name).css"] = ViewerAsset(source, type: "text/css; charset=utf-8")
        }
        for (name, source) in scripts {
            files["\(name).js"] = ViewerAsset(source, type: "text/javascript; charset=utf-8")
        }
        return files
    }()

    private static let styles: [(String, [UInt8])] = [
        ("dialogs", PackageResources.dialogs_css),
        ("executions", PackageResources.executions_css),
        ("forced-colors", PackageResources.forced_colors_css),
        ("log", PackageResources.log_css),
        ("print", PackageResources.print_css),
        ("rate-strip", PackageResources.rate_strip_css),
    ]

    private static let scripts: [(String, [UInt8])] = [
        ("block-reader", PackageResources.block_reader_js),
        ("columns", PackageResources.columns_js),
        ("copy", PackageResources.copy_js),
        ("dialogs", PackageResources.dialogs_js),
        ("event-stream", PackageResources.event_stream_js),
        ("executions-page", PackageResources.executions_page_js),
        ("key-keeper", PackageResources.key_keeper_js),
        ("log-dialogs", PackageResources.log_dialogs_js),
        ("log-page", PackageResources.log_page_js),
        ("notify", PackageResources.notify_js),
        ("print", PackageResources.print_js),
        ("rate-strip", PackageResources.rate_strip_js),
        ("raw", PackageResources.raw_js),
        ("row-check", PackageResources.row_check_js),
        ("screen-rows", PackageResources.screen_rows_js),
        ("search", PackageResources.search_js),
        ("search-worker", PackageResources.search_worker_js),
        ("shared", PackageResources.shared_js),
        ("sign-in", PackageResources.sign_in_js),
        ("style-reader", PackageResources.style_reader_js),
        ("styles", PackageResources.styles_js),
        ("text-selection", PackageResources.text_selection_js),
        ("theme", PackageResources.theme_js),
    ]

    /// - Parameter page: says `/assets/NAME` of what it loads, relative to where it is.
    private init(page: [UInt8]) {
        let text = String(decoding: page, as: UTF8.self)
        let current = text.split(separator: "/assets/", omittingEmptySubsequences: false)
            .joined(separator: "/assets/\(Self.version)/")
        self.init(Array(current.utf8), type: "text/html; charset=utf-8")
    }

    private init(_ bytes: [UInt8], type: String) {
        self.type = type
        content = ByteBuffer(bytes: bytes)
        compressed = content.deflated(as: .gzip)
        etag = "\"\(SHA256.hash(data: bytes).prefix(12).hexadecimal)\""
    }
}
