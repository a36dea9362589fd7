/// A random secret in the clear: an API key, an append token, a stream token. It never goes into a log or a database.
public struct Secret: Sendable, CustomStringConvertible {
    /// What a secret begins with, so that a scanner for leaked secrets finds it and a person knows it.
    public enum Prefix: String, Sendable {
        case apiKey = "elk_"
        case appendToken = "ela_"
        case streamToken = "els_"
    }

    public let value: String

    /// Makes a secret of 256 random bits, in the URL-safe alphabet of RFC 4648, section 5.
    public init(_ prefix: Prefix, using generator: inout some RandomNumberGenerator) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        // 43 characters of 6 bits hold 258 bits.
        let random = (0..<43).map { _ in alphabet[Int(generator.next() & 63)] }
        value = prefix.rawValue + String(decoding: random, as: UTF8.self)
    }

    public var hash: SecretHash { SecretHash(of: value) }

    /// Says nothing of the secret, so that one which gets into a log by mistake doesn't leak.
    public var description: String { "‹secret›" }
}
