import Crypto

/// Makes stream tokens that say by themselves what they open, so that none has to be kept: the grant's bytes, and an
/// HMAC-SHA256 over them and the execution, under a secret that only the server has.
///
/// Only the server can make one; it opens that execution only, until the time that stands in it. Whether its key was
/// revoked is for the store to say.
package struct StreamTokenSeal: Sendable {
    /// Which of the server's secrets this is. It stands in each token.
    package let number: UInt32
    private let secret: SymmetricKey

    /// What a token says.
    package struct Grant: Equatable, Sendable {
        package let key: APIKey.ID
        package let start: StreamStart
        package let expiresAt: Timestamp
        package let incarnation: Incarnation?
    }

    /// 1 has no incarnation: tokens of earlier servers are good until they expire.
    private static let versions: ClosedRange<UInt8> = 1...2
    /// Version, number, expiry, kind of start, start. Then the incarnation, behind its length, and the key.
    private static let headLength = 1 + 4 + 8 + 1 + 8
    private static let longestIncarnation = 1 + ExecutionID.maximumLength
    private static let longestKey = 64
    package static let secretLength = 32

    package init(number: UInt32, secret: some Sequence<UInt8>) {
        self.number = number
        self.secret = SymmetricKey(data: Array(secret))
    }

    /// A token for the grant.
    package func seal(_ token: StreamToken) -> Secret {
        var bytes = [Self.versions.upperBound]
        bytes.append(bigEndian: number)
        bytes.append(bigEndian: UInt64(bitPattern: token.expiresAt.milliseconds))
        switch token.start {
        case .after(let offset):
            bytes.append(0)
            bytes.append(bigEndian: offset.rawValue)
        case .notOlderThan(let time):
            bytes.append(1)
            bytes.append(bigEndian: UInt64(bitPattern: time.milliseconds))
        }
        let incarnation = Array((token.incarnation?.rawValue ?? "").utf8)
        bytes += [UInt8(incarnation.count)] + incarnation
        bytes += token.key.utf8
        let code = HMAC<SHA256>.authenticationCode(for: Self.message(bytes[...], token.execution), using: secret)
        return Secret(.streamToken, bytes: bytes + Array(code))
    }

    /// What the token grants, if it was made with this secret for this execution; compared in a time that says nothing.
    package func open(_ text: String, for execution: ExecutionID) -> Grant? {
        guard let bytes = Self.bytes(of: text) else { return nil }
        let (head, code) = (bytes.dropLast(SHA256.byteCount), bytes.suffix(SHA256.byteCount))
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                Array(code), authenticating: Self.message(head, execution), using: secret)
        else { return nil }
        let value = UInt64(bigEndian: head[14..<22])
        let start: StreamStart =
            head[13] == 0 ? .after(Offset(value)) : .notOlderThan(Timestamp(milliseconds: Int64(bitPattern: value)))
        var rest = head[Self.headLength...]
        var incarnation: Incarnation?
        if head[0] > 1, let length = rest.popFirst() {
            incarnation = Incarnation(String(decoding: rest.prefix(Int(length)), as: UTF8.self))
            rest = rest.dropFirst(Int(length))
        }
        return Grant(
            key: String(decoding: rest, as: UTF8.self), start: start,
            expiresAt: Timestamp(milliseconds: Int64(bitPattern: UInt64(bigEndian: head[5..<13]))),
            incarnation: incarnation)
    }

    /// Which secret the token says that it was made with; `nil` for what is no such token.
    package static func number(of text: String) -> UInt32? {
        bytes(of: text).map { UInt32(truncatingIfNeeded: UInt64(bigEndian: $0[1..<5])) }
    }

    private static func bytes(of text: String) -> [UInt8]? {
        let longest = headLength + longestIncarnation + longestKey + SHA256.byteCount
        guard text.utf8.count <= longest * 4 / 3 + 8, let bytes = Secret.bytes(of: text, .streamToken),
            bytes.count > headLength + SHA256.byteCount, bytes.count <= longest, versions.contains(bytes[0]),
            bytes[13] <= 1
        else { return nil }
        return bytes
    }

    private static func message(_ head: ArraySlice<UInt8>, _ execution: ExecutionID) -> [UInt8] {
        // The length keeps the two apart.
        let id = Array(execution.rawValue.utf8)
        return [UInt8(id.count)] + id + head
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension UInt64 {
    fileprivate init(bigEndian bytes: ArraySlice<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
