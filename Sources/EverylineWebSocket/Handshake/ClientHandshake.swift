import NIOCore
import NIOHTTP1

/// A client's half of the opening handshake: what it asks, and how it judges the answer.
struct ClientHandshake: Sendable {
    /// What the server agreed to.
    struct Agreement: Hashable, Sendable {
        let subprotocol: String?
        let compression: PerMessageDeflate?
    }

    /// The request, as it goes over the wire.
    let request: ByteBuffer
    private let key: WebSocketKey
    private let subprotocol: String?
    private let compression: Bool

    /// - Throws: ``WebSocketError/handshakeInvalid(_:)`` for headers that can't be sent.
    init(
        to url: WebSocketURL, headers: HTTPHeaders, subprotocol: String?, compression: Bool,
        key: WebSocketKey = .random()
    ) throws(WebSocketError) {
        var fields: [(String, String)] = [
            ("Host", url.authority), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key.text), ("Sec-WebSocket-Version", "13"),
        ]
        if let subprotocol { fields.append(("Sec-WebSocket-Protocol", subprotocol)) }
        if compression { fields.append(("Sec-WebSocket-Extensions", PerMessageDeflate.offer)) }
        let reserved = Set(fields.map { $0.0.lowercased() })
        fields += headers.map { ($0.name, $0.value) }.filter { !reserved.contains($0.0.lowercased()) }
        for (name, value) in fields {
            guard HTTPHead.isToken(name), value.utf8.allSatisfy(HTTPHead.isText) else {
                throw .handshakeInvalid("the header \(name) can't be sent")
            }
        }
        var request = ByteBuffer(string: "GET \(url.target) HTTP/1.1\r\n")
        for (name, value) in fields { request.writeString("\(name): \(value)\r\n") }
        request.writeString("\r\n")
        self.request = request
        self.key = key
        self.subprotocol = subprotocol
        self.compression = compression
    }

    /// Judges the head of a 101 response.
    ///
    /// - Throws: ``WebSocketError/handshakeInvalid(_:)`` for what RFC 6455, section 4.1 makes the client fail on.
    func judge(_ head: HTTPHead) throws(WebSocketError) -> Agreement {
        guard head.tokens(of: "Upgrade") == ["websocket"], head.tokens(of: "Connection").contains("upgrade") else {
            throw .handshakeInvalid("an upgrade to something else")
        }
        guard head.values(of: "Sec-WebSocket-Accept") == [key.accept] else {
            throw .handshakeInvalid("a wrong Sec-WebSocket-Accept")
        }
        let protocols = head.values(of: "Sec-WebSocket-Protocol")
        guard protocols.isEmpty || protocols == [subprotocol].compactMap(\.self) else {
            throw .handshakeInvalid("a subprotocol that wasn't offered")
        }
        let answers = head.values(of: "Sec-WebSocket-Extensions")
        guard compression || answers.isEmpty else { throw .handshakeInvalid("an extension that wasn't offered") }
        return Agreement(subprotocol: protocols.first, compression: try PerMessageDeflate.agree(answers))
    }

    /// The number in a response's status line.
    static func status(of head: HTTPHead) -> Int? {
        let parts = head.startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3 else { return nil }
        return Int(parts[1])
    }
}
