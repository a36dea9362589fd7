import NIOCore
import NIOHTTP1
import Testing

@testable import EverylineWebSocket

@Suite("A client's handshake")
struct ClientHandshakeTests {
    private func handshake(subprotocol: String? = nil, compression: Bool = false) throws -> ClientHandshake {
        let key = try #require(WebSocketKey("dGhlIHNhbXBsZSBub25jZQ=="))
        return try ClientHandshake(
            to: WebSocketURL("ws://a.example:81/s?x=1"), headers: ["Authorization": "Bearer k", "upgrade": "evil"],
            subprotocol: subprotocol, compression: compression, key: key)
    }

    private func answer(_ fields: [String]) throws -> HTTPHead {
        let lines = ["HTTP/1.1 101 Switching Protocols"] + fields
        return try #require(HTTPHead(ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")))
    }

    private let upgrade = [
        "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ]

    @Test("asks what a server accepts")
    func request() throws {
        let bytes = try handshake(subprotocol: "everyline.v1", compression: true).request
        let request = try #require(UpgradeRequest(bytes))
        #expect(request.isWebSocket)
        #expect(request.requestHead.uri == "/s?x=1")
        #expect(request.requestHead.headers["Host"] == ["a.example:81"])
        #expect(request.requestHead.headers["Upgrade"] == ["websocket"])
        #expect(request.requestHead.headers["Authorization"] == ["Bearer k"])
        guard
            case .upgrade(let response, "everyline.v1", .some) =
                request.accept(subprotocol: "everyline.v1", compression: true)
        else {
            Issue.record("it was refused")
            return
        }
        let agreed = try handshake(subprotocol: "everyline.v1", compression: true).judge(#require(HTTPHead(response)))
        #expect(agreed == .init(subprotocol: "everyline.v1", compression: PerMessageDeflate(windowBits: 15)))
    }

    @Test("takes no answer for another's, and nothing that it didn't ask for")
    func wrongAnswers() throws {
        for fields in [
            Array(upgrade.dropFirst()), upgrade + ["Sec-WebSocket-Protocol: other"],
            upgrade + ["Sec-WebSocket-Extensions: permessage-deflate"],
            ["Upgrade: h2c"] + upgrade.dropFirst(), Array(upgrade.dropLast()),
            upgrade.dropLast() + ["Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        ] {
            #expect(throws: WebSocketError.self) { try handshake().judge(answer(fields)) }
        }
        #expect(try handshake().judge(answer(upgrade)) == .init(subprotocol: nil, compression: nil))
    }

    @Test("can't be made with headers that would be lines of their own")
    func injection() {
        #expect(throws: WebSocketError.self) {
            try ClientHandshake(
                to: WebSocketURL("ws://a/"), headers: ["X": "1\r\nEvil: 2"], subprotocol: nil, compression: false)
        }
    }

    @Test(
        "keeps the beginning of a refusal's body, without its framing",
        arguments: [
            (["Content-Length: 5"], "helloXX", "hello", true), (["Content-Length: 9"], "hello", "hello", false),
            (["Transfer-Encoding: chunked"], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello", true),
            (["Transfer-Encoding: chunked"], "3\r\nhel\r\n2\r\nl", "hell", false),
            ([], "hello", "hello", false),
        ])
    func refusal(fields: [String], bytes: String, text: String, isComplete: Bool) throws {
        var body = RefusalBody(after: try answer(fields))
        var complete = false
        for byte in bytes.utf8 { complete = body.take(ByteBuffer(bytes: [byte])) || complete }
        #expect(complete == isComplete)
        #expect(body.text == text)
    }

    @Test("keeps no endless body")
    func endless() throws {
        var body = RefusalBody(after: try answer([]))
        var taken = 0
        while !body.take(ByteBuffer(repeating: 65, count: 1000)) { taken += 1 }
        #expect(taken < 10)
        #expect(body.text.utf8.count == RefusalBody.limit)
    }
}

@Suite("A WebSocket URL")
struct WebSocketURLTests {
    @Test("is taken apart")
    func parts() throws {
        let plain = try WebSocketURL("ws://127.0.0.1:8080/a/b?c=d#e")
        #expect((plain.host, plain.port, plain.target, plain.isSecure) == ("127.0.0.1", 8080, "/a/b?c=d", false))
        let secure = try WebSocketURL("WSS://[::1]")
        #expect((secure.host, secure.port, secure.authority, secure.isSecure) == ("::1", 443, "[::1]", true))
        let query = try WebSocketURL("http://host?x")
        #expect((query.host, query.port, query.target) == ("host", 80, "/?x"))
    }

    @Test(
        "isn't anything else",
        arguments: [
            "", "host", "ftp://host", "ws://", "ws://:80", "ws://a:b", "ws://a:70000", "ws://a:0", "ws://u:p@a/",
            "ws://a/ b", "ws://[::1", "ws://[::1]x", "ws://a\r\nb",
        ])
    func refused(text: String) {
        #expect(throws: WebSocketError.invalidURL(text)) { try WebSocketURL(text) }
    }
}
