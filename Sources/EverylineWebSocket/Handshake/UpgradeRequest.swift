import NIOHTTP1
import NIOCore

/// A request that asks for an upgrade, and the pieces of it that decide.
struct UpgradeRequest: Sendable {
    private let head: HTTPHead
    private let method: String
    private let target: String
    private let version: String

    /// - Returns: `nil` for a request that asks for no upgrade, or isn't strictly HTTP/1: an ordinary one.
    init?(_ bytes: ByteBuffer) {
        guard let head = HTTPHead(bytes), !head.values(of: "Upgrade").isEmpty else { return nil }
        let parts = head.startLine.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, HTTPHead.isToken(parts[0]), !parts[1].isEmpty, parts[2].hasPrefix("HTTP/1.") else {
            return nil
        }
        self.head = head
        (method, target, version) = (parts[0], parts[1], parts[2])
    }

    /// The same of a head that an HTTP decoder has read.
    init(_ head: HTTPRequestHead) {
        (method, target) = (head.method.rawValue, head.uri)
        version = "HTTP/\(head.version.major).\(head.version.minor)"
        self.head = HTTPHead(
            startLine: "\(method) \(target) \(version)",
            fields: head.headers.map { HTTPHead.Field(name: $0.name, value: $0.value) })
    }

    /// Whether it asks for a WebSocket as RFC 6455, section 4.2.1 says. A body would be read as frames, so it may
    /// have none. One with a head that is refused is answered like any other.
    var isWebSocket: Bool {
        method == "GET" && version == "HTTP/1.1" && RequestFault(requestHead, needsHost: true) == nil
            && head.tokens(of: "Upgrade").contains("websocket")
            && head.tokens(of: "Connection").contains("upgrade")
            && head.values(of: "Transfer-Encoding").isEmpty
            && head.values(of: "Content-Length").allSatisfy { $0 == "0" }
    }

    /// The request as the code that decides about it reads it.
    var requestHead: HTTPRequestHead {
        let headers = HTTPHeaders(head.fields.map { ($0.name, $0.value) })
        return HTTPRequestHead(version: .http1_1, method: .init(rawValue: method), uri: target, headers: headers)
    }

    /// The same request without its wish for an upgrade, so that an HTTP decoder doesn't stop behind it.
    var ordinary: ByteBuffer {
        let hopByHop: Set = ["upgrade", "http2-settings"]
        var buffer = ByteBuffer(string: head.startLine + "\r\n")
        for field in head.fields where !hopByHop.contains(field.name.lowercased()) {
            guard field.name.lowercased() == "connection" else {
                buffer.writeString("\(field.name): \(field.value)\r\n")
                continue
            }
            let rest = field.value.split(separator: ",").map(HTTPHead.trim).filter { token in
                !hopByHop.contains(token.lowercased())
            }
            guard !rest.isEmpty else { continue }
            buffer.writeString("\(field.name): \(rest.joined(separator: ", "))\r\n")
        }
        buffer.writeString("\r\n")
        return buffer
    }

    /// Answers an accepted request.
    ///
    /// - Parameter subprotocol: is left out unless the client offered it.
    /// - Returns: the upgrade, or the response that refuses the handshake.
    func accept(subprotocol: String?, compression: Bool) -> Answer {
        guard head.values(of: "Sec-WebSocket-Version") == ["13"] else {
            let version = [("Sec-WebSocket-Version", "13")]
            return .refuse(status: 426, ByteBuffer.refusal("426 Upgrade Required", fields: version))
        }
        let keys = head.values(of: "Sec-WebSocket-Key")
        guard keys.count == 1, let key = keys.first.flatMap(WebSocketKey.init), head.values(of: "Host").count == 1
        else {
            return .refuse(status: 400, ByteBuffer.refusal("400 Bad Request"))
        }
        let offered = head.values(of: "Sec-WebSocket-Protocol").flatMap { $0.split(separator: ",") }.map(HTTPHead.trim)
        let chosen = subprotocol.flatMap { name in offered.contains { $0 == name } ? name : nil }
        let agreed = compression ? PerMessageDeflate.accept(head.values(of: "Sec-WebSocket-Extensions")) : nil
        var response = ByteBuffer(
            string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: \(key.accept)\r\n")
        if let chosen { response.writeString("Sec-WebSocket-Protocol: \(chosen)\r\n") }
        if let agreed { response.writeString("Sec-WebSocket-Extensions: \(agreed.answer)\r\n") }
        response.writeString("\r\n")
        return .upgrade(response, subprotocol: chosen, agreed?.0)
    }

    enum Answer: Sendable {
        case upgrade(ByteBuffer, subprotocol: String?, PerMessageDeflate?)
        case refuse(status: Int, ByteBuffer)
    }
}

extension ByteBuffer {
    /// A whole response without a body, after which the connection is closed.
    static func refusal(_ status: String, fields: [(String, String)] = []) -> ByteBuffer {
        let lines = fields.map { "\($0): \($1)\r\n" }.joined()
        return ByteBuffer(string: "HTTP/1.1 \(status)\r\n\(lines)Content-Length: 0\r\nConnection: close\r\n\r\n")
    }
}
