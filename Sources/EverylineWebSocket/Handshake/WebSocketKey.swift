import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A handshake's nonce: 16 bytes in base64.
struct WebSocketKey: Hashable, Sendable {
    let text: String

    static func random() -> WebSocketKey {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return WebSocketKey(trusted: Data(bytes).base64EncodedString())
    }

    /// - Returns: `nil` for what isn't 16 bytes in base64.
    init?(_ text: String) {
        guard text.utf8.count == 24, Data(base64Encoded: text)?.count == 16 else { return nil }
        self.text = text
    }

    private init(trusted text: String) {
        self.text = text
    }

    /// The answer that proves that the server has understood: RFC 6455, section 4.2.2.
    var accept: String {
        let digest = Insecure.SHA1.hash(data: Data((text + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return Data(digest).base64EncodedString()
    }
}
