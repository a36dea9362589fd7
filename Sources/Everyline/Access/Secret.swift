import Crypto

/// A random secret in the clear: an API key, an append token, a stream token. It never goes into a log or a database.
package struct Secret: Sendable, CustomStringConvertible {
    /// What a secret begins with, so that a scanner for leaked secrets finds it and a person knows it.
    package enum Prefix: String, Sendable {
        case apiKey = "elk_"
        case appendToken = "ela_"
        case streamToken = "els_"
    }

    package let value: String

    /// The URL-safe alphabet of RFC 4648, section 5.
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Makes a secret of 256 random bits.
    package init(_ prefix: Prefix, using generator: inout some RandomNumberGenerator) {
        // 43 characters of 6 bits hold 258 bits.
        let random = (0..<43).map { _ in Self.alphabet[Int(generator.next() & 63)] }
        value = prefix.rawValue + String(decoding: random, as: UTF8.self)
    }

    /// A secret that stands for these bytes.
    init(_ prefix: Prefix, bytes: [UInt8]) {
        var text: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(Self.alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(Self.alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        value = prefix.rawValue + String(decoding: text, as: UTF8.self)
    }

    /// The append token of an execution that was registered under an idempotency key: the same request gets the same
    /// one again, and who doesn't know the API key can't make it.
    package init(appendTokenFor registration: IdempotencyKey, askedWith apiKey: String) {
        let message = Array("append\0\(registration.value)\0".utf8) + registration.fingerprint.bytes
        let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: Array(apiKey.utf8)))
        self.init(.appendToken, bytes: Array(code))
    }

    /// The bytes that a secret stands for; `nil` unless it is just what ``init(_:bytes:)`` makes of them.
    static func bytes(of text: String, _ prefix: Prefix) -> [UInt8]? {
        guard text.hasPrefix(prefix.rawValue) else { return nil }
        var bytes: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for character in text.utf8.dropFirst(prefix.rawValue.utf8.count) {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return Secret(prefix, bytes: bytes).value == text ? bytes : nil
    }

    package var hash: SecretHash { SecretHash(of: value) }

    /// Says nothing of the secret, so that one which gets into a log by mistake doesn't leak.
    package var description: String { "‹secret›" }
}
