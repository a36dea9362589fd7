import NIOCore

/// The beginning of the body with which a server explains why there is no upgrade.
struct RefusalBody: Sendable {
    /// The most bytes that are kept.
    static let limit = 4096

    private enum Framing: Hashable {
        case length(Int)
        case chunked
        case untilClosed
    }

    private let framing: Framing
    private var raw = ByteBuffer()

    init(after head: HTTPHead) {
        if head.tokens(of: "Transfer-Encoding").last == "chunked" {
            framing = .chunked
        } else if let length = head.values(of: "Content-Length").first.flatMap(Int.init) {
            framing = .length(max(0, length))
        } else {
            framing = .untilClosed
        }
    }

    /// Takes what came of the body.
    /// - Returns: whether that is all, or enough.
    mutating func take(_ bytes: ByteBuffer) -> Bool {
        var bytes = bytes
        let room = min(bytes.readableBytes, 2 * Self.limit - raw.readableBytes)
        if var piece = bytes.readSlice(length: room) { raw.writeBuffer(&piece) }
        if raw.readableBytes >= 2 * Self.limit { return true }
        switch framing {
        case .length(let length): return raw.readableBytes >= length
        case .chunked: return chunks().isComplete
        case .untilClosed: return false
        }
    }

    /// What was taken, as text, without the framing.
    var text: String {
        switch framing {
        case .length(let length):
            return String(decoding: raw.readableBytesView.prefix(min(length, Self.limit)), as: UTF8.self)
        case .chunked:
            return String(decoding: chunks().bytes.readableBytesView.prefix(Self.limit), as: UTF8.self)
        case .untilClosed:
            return String(decoding: raw.readableBytesView.prefix(Self.limit), as: UTF8.self)
        }
    }

    /// The chunks that have come so far, the last one maybe in part.
    private func chunks() -> (bytes: ByteBuffer, isComplete: Bool) {
        var (raw, bytes) = (raw, ByteBuffer())
        while let end = raw.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let line = raw.readString(length: end + 1 - raw.readerIndex) ?? ""
            let digits = line.prefix { $0.isHexDigit }
            guard let size = Int(digits, radix: 16), size > 0 else { return (bytes, true) }
            guard var chunk = raw.readSlice(length: min(size, raw.readableBytes)) else { break }
            bytes.writeBuffer(&chunk)
            raw.moveReaderIndex(forwardBy: min(2, raw.readableBytes))
        }
        return (bytes, false)
    }
}
