import NIOHTTP1

/// What is wrong with a request's head. The server refuses such a request before it is routed.
package struct RequestFault: Error, Hashable {
    /// A sentence for the client.
    package let reason: String

    /// - Parameter needsHost: whether an HTTP/1.1 request must name the host that it is sent to (RFC 9112, section
    ///   3.2).
    /// - Returns: `nil` for a head with which all is well.
    init?(_ head: HTTPRequestHead, needsHost: Bool) {
        guard let reason = Self.hostFault(head, needsHost: needsHost) ?? Self.framingFault(head) else { return nil }
        self.reason = reason
    }

    private static func hostFault(_ head: HTTPRequestHead, needsHost: Bool) -> String? {
        let hosts = head.headers["Host"]
        guard let host = hosts.first else {
            return needsHost && head.version != .http1_0 ? "A request must have a Host." : nil
        }
        return hosts.count == 1 && isHost(host) ? nil : "A request has one Host: a name or address, and a port or none."
    }

    /// What another reader of the same bytes, a proxy, may take for the beginning of another request than we do
    /// (RFC 9112, section 6.1). The decoder refuses some of it by itself.
    private static func framingFault(_ head: HTTPRequestHead) -> String? {
        let (encodings, lengths) = (head.headers["Transfer-Encoding"], head.headers["Content-Length"])
        if encodings.isEmpty { return lengths.count > 1 ? "A request has one Content-Length." : nil }
        guard lengths.isEmpty else { return "A request has a Content-Length or a Transfer-Encoding, not both." }
        guard encodings.count == 1, encodings[0].lowercased() == "chunked" else {
            return "The only Transfer-Encoding is chunked, once."
        }
        return head.version == .http1_0 ? "HTTP/1.0 knows no Transfer-Encoding." : nil
    }

    /// Whether it is a host's name, an address, or an IPv6 address in brackets, with or without a port.
    static func isHost(_ text: String) -> Bool {
        var rest = Substring(text)
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return false }
            let address = rest[rest.index(after: rest.startIndex)..<end]
            guard !address.isEmpty, address.utf8.allSatisfy({ isName($0) || $0 == UInt8(ascii: ":") }) else {
                return false
            }
            rest = rest[rest.index(after: end)...]
        } else {
            let name = rest.prefix { $0 != ":" }
            guard !name.isEmpty, name.utf8.allSatisfy(isName) else { return false }
            rest = rest[name.endIndex...]
        }
        guard rest.first == ":" else { return rest.isEmpty }
        let port = rest.dropFirst()
        return port.utf8.count <= 5 && port.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "-._~%".utf8.contains(byte)
        }
    }
}

extension RequestTurnHandler {
    /// Says in an answer's head how its body ends, for the one who asked: by its length if that is known; else in
    /// chunks, or for HTTP/1.0, which knows none, with the connection. HEAD is answered as GET is, without the body.
    func frame(_ answer: HTTPResponseHead) -> HTTPResponseHead {
        guard answer.status.code >= 200 else { return answer }
        var answer = answer
        let hasLength = answer.headers.contains(name: "Content-Length")
        let isChunked = !hasLength && current?.head.version != .http1_0
        answer.headers.remove(name: "Transfer-Encoding")
        if !answer.status.mayHaveResponseBody {
            answer.headers.remove(name: "Content-Length")
            current?.hasAnswerBody = false
        } else if current?.head.method == .HEAD {
            current?.hasAnswerBody = false
        } else if isChunked {
            answer.headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        if let current, current.isLast || endsUnread(current), answer.isKeepAlive {
            answer.headers.add(name: "Connection", value: "close")
        }
        return answer
    }
}
