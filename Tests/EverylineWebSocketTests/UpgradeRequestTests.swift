import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineWebSocket

@Suite("An upgrade request")
struct UpgradeRequestTests {
    static let fields = """
        Host: a.example
        Connection: keep-alive, Upgrade
        Upgrade: WebSocket
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
        Sec-WebSocket-Version: 13
        """

    static func head(_ start: String = "GET /s?after=1 HTTP/1.1", _ fields: String = fields) -> ByteBuffer {
        let lines = [start] + fields.split(separator: "\n").map(String.init)
        return ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
    }

    @Test("is answered as the RFC's example is")
    func accepted() throws {
        let request = try #require(UpgradeRequest(Self.head()))
        #expect(request.isWebSocket)
        #expect(request.requestHead.uri == "/s?after=1")
        #expect(request.requestHead.headers["host"] == ["a.example"])
        guard case .upgrade(let response, nil, nil) = request.accept(subprotocol: "not.offered", compression: true)
        else {
            Issue.record("it was refused")
            return
        }
        let head = try #require(HTTPHead(response))
        #expect(head.startLine == "HTTP/1.1 101 Switching Protocols")
        #expect(head.values(of: "sec-websocket-accept") == ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="])
        #expect(head.values(of: "Sec-WebSocket-Protocol").isEmpty)
    }

    @Test("is the same when a decoder has read it")
    func decoded() throws {
        let request = try #require(UpgradeRequest(Self.head()))
        let decoded = UpgradeRequest(request.requestHead)
        #expect(decoded.isWebSocket)
        #expect(decoded.requestHead == request.requestHead)
        #expect(decoded.ordinary == request.ordinary)
    }

    @Test("gets the subprotocol and the compression that it offered")
    func negotiates() throws {
        let fields = """
            \(Self.fields)
            Sec-WebSocket-Protocol: other, everyline.v1
            Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
            """
        let request = try #require(UpgradeRequest(Self.head("GET / HTTP/1.1", fields)))
        guard
            case .upgrade(let response, "everyline.v1", let compression?) =
                request.accept(subprotocol: "everyline.v1", compression: true)
        else {
            Issue.record("it was refused")
            return
        }
        #expect(compression.windowBits == 15)
        let head = try #require(HTTPHead(response))
        #expect(head.values(of: "Sec-WebSocket-Protocol") == ["everyline.v1"])
        #expect(head.values(of: "Sec-WebSocket-Extensions").count == 1)
    }

    @Test(
        "with a wrong handshake is refused",
        arguments: [
            ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
            ("Sec-WebSocket-Version: 13", "X: y", 426),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs!SBub25jZQ==", 400),
            ("Host: a.example", "X: y", 400),
            ("Host: a.example", "Host: a.example\nHost: b.example", 400),
        ])
    func refused(part: String, replacement: String, status: Int) throws {
        let fields = Self.fields.split(separator: part, omittingEmptySubsequences: false).joined(separator: replacement)
        let request = try #require(UpgradeRequest(Self.head("GET / HTTP/1.1", fields)))
        guard case .refuse(status, let response) = request.accept(subprotocol: nil, compression: true) else {
            Issue.record("it wasn't refused with \(status)")
            return
        }
        let head = try #require(HTTPHead(response))
        #expect(head.values(of: "Connection") == ["close"])
        #expect(head.values(of: "Sec-WebSocket-Version") == (status == 426 ? ["13"] : []))
    }

    @Test(
        "isn't one for a WebSocket unless it says so in full",
        arguments: [
            ("POST / HTTP/1.1", fields), ("GET / HTTP/1.0", fields),
            ("GET / HTTP/1.1", "Host: a\nUpgrade: h2c\nConnection: Upgrade"),
            ("GET / HTTP/1.1", "Host: a\nUpgrade: websocket\nConnection: close"),
            ("GET / HTTP/1.1", fields + "\nContent-Length: 5"),
            ("GET / HTTP/1.1", fields + "\nTransfer-Encoding: chunked"),
        ])
    func notWebSocket(start: String, fields: String) throws {
        #expect(try #require(UpgradeRequest(Self.head(start, fields))).isWebSocket == false)
    }

    @Test("isn't one at all without an Upgrade field, or if it isn't strictly HTTP/1")
    func ordinary() {
        for bytes in [
            Self.head("GET / HTTP/1.1", "Host: a"), Self.head("GET  / HTTP/1.1"), Self.head("GET / HTTP/2"),
            Self.head("GET / HTTP/1.1", "Up grade: websocket"), Self.head("GET / HTTP/1.1", fields: " folded"),
            ByteBuffer(string: "GET / HTTP/1.1\nUpgrade: websocket\n\n"), ByteBuffer(bytes: [0xFF, 13, 10, 13, 10]),
        ] {
            #expect(UpgradeRequest(bytes) == nil)
        }
    }

    @Test("that is declined goes on without its hop-by-hop fields, and with all others as they were")
    func stripped() throws {
        let fields = "Host: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAM\nX: 1\nX: 2"
        let request = try #require(UpgradeRequest(Self.head("GET /x HTTP/1.1", fields)))
        #expect(String(buffer: request.ordinary) == "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n")
        let kept = try #require(UpgradeRequest(Self.head()))
        #expect(String(buffer: kept.ordinary).contains("\r\nConnection: keep-alive\r\n"))
    }

    @Test("ends with an empty line, found however the bytes came")
    func end() {
        let head = Self.head()
        let bytes = head + ByteBuffer(string: "rest\r\n\r\n")
        for searched in 0..<head.readableBytes {
            #expect(HTTPHead.end(in: bytes, searched: searched) == head.readableBytes)
        }
        #expect(HTTPHead.end(in: ByteBuffer(string: "GET / HTTP/1.1\r\nA: b\r\n\r"), searched: 0) == nil)
        #expect(HTTPHead.end(in: ByteBuffer(string: "GET / HTTP/1.0\n\n"), searched: 0) == 16)
    }
}

extension UpgradeRequestTests {
    fileprivate static func head(_ start: String, fields: String) -> ByteBuffer {
        head(start, Self.fields + "\n" + fields)
    }
}

private func + (left: ByteBuffer, right: ByteBuffer) -> ByteBuffer {
    var both = left
    both.writeImmutableBuffer(right)
    return both
}
