import Crypto

/// The SHA-256 of a secret: all that is ever stored of an API key or a token.
///
/// The secrets hold 256 random bits each, so a plain hash is enough: there is nothing to guess that a slow hash would
/// have to protect.
package struct SecretHash: Sendable, Equatable, Hashable {
    package static let length = 32

    package let bytes: [UInt8]

    package init(of secret: some StringProtocol) {
        bytes = Array(SHA256.hash(data: Array(secret.utf8)))
    }

    package init(ofBytes data: some Sequence<UInt8>) {
        bytes = Array(SHA256.hash(data: Array(data)))
    }

    /// Takes a hash as it was stored; `nil` if it isn't 32 bytes long.
    package init?(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == Self.length else { return nil }
    }

    /// Compares in a time that doesn't depend on where the two differ.
    package static func == (left: SecretHash, right: SecretHash) -> Bool {
        var difference: UInt8 = 0
        for (a, b) in zip(left.bytes, right.bytes) { difference |= a ^ b }
        return difference == 0
    }
}
