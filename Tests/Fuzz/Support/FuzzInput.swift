@testable import Everyline
import NIOCore

/// What libFuzzer came up with.
struct FuzzInput: Sendable {
    let bytes: ByteBuffer

    var text: String { String(decoding: bytes.readableBytesView, as: UTF8.self) }

    /// Numbers that follow from the input, for choices that the input itself doesn't make: with the same input they are
    /// the same, and a seed stays what it looks like.
    var generator: SeededGenerator {
        // FNV-1a.
        let hash = bytes.readableBytesView.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return SeededGenerator(seed: hash)
    }

    /// The input cut at random places: for code that must not care how bytes arrive.
    var pieces: [ByteBuffer] { Self.pieces(of: bytes, using: generator) }

    static func pieces(of bytes: ByteBuffer, using generator: SeededGenerator) -> [ByteBuffer] {
        var (rest, generator) = (bytes, generator)
        let sizes = [1, 7, bytes.readableBytes / 2, bytes.readableBytes]
        let longest = max(1, sizes.randomElement(using: &generator) ?? 1)
        var pieces: [ByteBuffer] = []
        while let piece = rest.readSlice(length: min(rest.readableBytes, .random(in: 1...longest, using: &generator))),
            piece.readableBytes > 0
        {
            pieces.append(piece)
        }
        return pieces
    }

    /// The input's parts between lines that hold this alone: a small language for inputs that are several things.
    func parts(between separator: String) -> [ByteBuffer] {
        var parts: [ByteBuffer] = [ByteBuffer()]
        let lines = bytes.lines
        for (index, line) in lines.enumerated() {
            if line == ByteBuffer(string: separator) {
                parts.append(ByteBuffer())
            } else {
                parts[parts.count - 1].writeImmutableBuffer(line)
                if index < lines.count - 1 { parts[parts.count - 1].writeInteger(UInt8(ascii: "\n")) }
            }
        }
        return parts
    }
}

extension ByteBuffer {
    /// What stands between newlines; one more line than there are newlines.
    var lines: [ByteBuffer] {
        readableBytesView.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            ByteBuffer($0)
        }
    }
}
