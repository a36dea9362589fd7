import NIOHTTP1
import Testing

@testable import EverylineWebSocket

@Suite("A request's head")
struct RequestRulesTests {
    @Test(
        "names its host",
        arguments: [
            "a", "a.example", "A-1.example:7070", "127.0.0.1", "127.0.0.1:0", "[::1]", "[::1]:65535",
            "[fe80::1%25eth0]:1",
            "under_score", "a:",
        ])
    func host(value: String) {
        #expect(fault([("Host", value)]) == nil)
    }

    @Test(
        "with another host than a name or address is refused",
        arguments: [
            "", " ", "a b", "a/b", "a/../b", "a@b", "a,b", "a;b", "a'b", "a\"b", "a\tb", "a:b", "a:1:2", "a:123456",
            ":1",
            "[::1", "::1", "[]", "[::1]x", "[g h]", "http://a", "ä", "a\\b", "*", "a#b", "a?b",
        ])
    func noHost(value: String) {
        #expect(fault([("Host", value)]) != nil)
        #expect(fault([("Host", value)], version: .http1_0) != nil)
    }

    @Test("has one host, which HTTP/1.0 and a connection that needs none may leave out")
    func hosts() {
        #expect(fault([("Host", "a"), ("host", "a")]) != nil)
        #expect(fault([]) != nil)
        #expect(fault([], version: .http1_0) == nil)
        #expect(fault([], needsHost: false) == nil)
        #expect(fault([("Host", "a"), ("Host", "b")], needsHost: false) != nil)
    }

    @Test(
        "says in one way where its body ends",
        arguments: [
            [("Content-Length", "4")], [("Transfer-Encoding", "chunked")], [("Transfer-Encoding", "Chunked")], [],
        ])
    func framing(fields: [(String, String)]) {
        #expect(fault([("Host", "a")] + fields) == nil)
    }

    @Test(
        "that says so in two ways, or in one that isn't known, is refused",
        arguments: [
            [("Content-Length", "4"), ("Transfer-Encoding", "chunked")],
            [("Content-Length", "4"), ("Content-Length", "4")],
            [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
            [("Transfer-Encoding", "identity, chunked")],
            [("Transfer-Encoding", "identity"), ("Transfer-Encoding", "chunked")], [("Transfer-Encoding", "gzip")],
            [("Transfer-Encoding", "")], [("Transfer-Encoding", "\"chunked\"")],
        ])
    func ambiguous(fields: [(String, String)]) {
        #expect(fault([("Host", "a")] + fields) != nil)
    }

    @Test("of HTTP/1.0 has no transfer encoding")
    func old() {
        #expect(fault([("Transfer-Encoding", "chunked")], version: .http1_0) != nil)
    }

    private func fault(
        _ fields: [(String, String)], version: HTTPVersion = .http1_1, needsHost: Bool = true
    ) -> RequestFault? {
        RequestFault(
            HTTPRequestHead(version: version, method: .GET, uri: "/", headers: HTTPHeaders(fields)),
            needsHost: needsHost)
    }
}
