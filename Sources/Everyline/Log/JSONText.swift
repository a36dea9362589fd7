package import NIOCore

extension ByteBuffer {
    /// Writes `text` as the inside of a JSON string (RFC 8259, section 7), without the quotation marks.
    ///
    /// The bytes may be anything: what isn't UTF-8 becomes U+FFFD, one for each maximal part of a broken sequence
    /// (Unicode 15, section 3.9, "Substitution of Maximal Subparts"); control bytes are escaped, so that no raw newline
    /// gets in.
    package mutating func writeJSONText(_ text: UnsafeRawBufferPointer) {
        var position = 0
        while position < text.count {
            let end = text.endOfPlainText(from: position)
            if end > position { writeBytes(UnsafeRawBufferPointer(rebasing: text[position..<end])) }
            guard end < text.count else { return }
            position = end + writeSpecial(text, at: end)
        }
    }

    /// Writes the escaped form of what starts at `position`, and returns how many bytes it took from `text`.
    private mutating func writeSpecial(_ text: UnsafeRawBufferPointer, at position: Int) -> Int {
        let byte = text[position]
        guard byte < 0x80 else {
            switch UTF8Sequence(in: text, at: position) {
            case .valid(let length):
                writeBytes(UnsafeRawBufferPointer(rebasing: text[position..<position + length]))
                return length
            case .broken(let length):
                writeStaticString("\u{FFFD}")
                return length
            }
        }
        switch byte {
        case 0x22: writeStaticString("\\\"")
        case 0x5C: writeStaticString("\\\\")
        case 0x08: writeStaticString("\\b")
        case 0x09: writeStaticString("\\t")
        case 0x0A: writeStaticString("\\n")
        case 0x0C: writeStaticString("\\f")
        case 0x0D: writeStaticString("\\r")
        default:
            let digits = StaticHex.digits
            writeStaticString("\\u00")
            writeInteger(digits[Int(byte >> 4)])
            writeInteger(digits[Int(byte & 15)])
        }
        return 1
    }

    /// Writes a decimal integer.
    package mutating func writeDecimal(_ value: Int64) {
        writeShort(limit: ShortText.longestDecimal) { $0.write(value) }
    }

    /// Writes short pieces, which take `limit` bytes at the most, as one: each write of a buffer looks anew whether it
    /// has room and is shared.
    mutating func writeShort(limit: ByteCount, _ write: (inout ShortText) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { bytes in
            var text = ShortText(bytes)
            write(&text)
            return text.count
        }
    }
}

/// Short pieces of text, one behind the other in memory that has room for all of them.
struct ShortText {
    static let longestDecimal: ByteCount = 20

    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    fileprivate init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func write(_ value: Int64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { scratch in
            var position = scratch.count
            var rest = value.magnitude
            repeat {
                position -= 1
                scratch[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                position -= 1
                scratch[position] = UInt8(ascii: "-")
            }
            write(UnsafeRawBufferPointer(rebasing: scratch[position...]))
        }
    }

    @inline(__always)
    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        precondition(
            bytes.count <= memory.count - count, "\(bytes.count) bytes don't fit behind \(count) of \(memory.count)")
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
        count += bytes.count
    }
}

private enum StaticHex {
    static let digits = Array("0123456789abcdef".utf8)
}

/// What stands at a byte that isn't ASCII: one whole scalar of UTF-8 (RFC 3629), or the longest start of one.
enum UTF8Sequence {
    case valid(length: Int)
    case broken(length: Int)

    init(in text: UnsafeRawBufferPointer, at position: Int) {
        let lead = text[position]
        let needed: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: needed = 1
        case 0xE0: (needed, second) = (2, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: needed = 2
        case 0xED: (needed, second) = (2, 0x80...0x9F)
        case 0xF0: (needed, second) = (3, 0x90...0xBF)
        case 0xF1...0xF3: needed = 3
        case 0xF4: (needed, second) = (3, 0x80...0x8F)
        default:
            self = .broken(length: 1)
            return
        }
        for step in 1...needed {
            let index = position + step
            let allowed = step == 1 ? second : 0x80...0xBF
            guard index < text.count, allowed.contains(text[index]) else {
                self = .broken(length: step)
                return
            }
        }
        self = .valid(length: needed + 1)
    }
}
