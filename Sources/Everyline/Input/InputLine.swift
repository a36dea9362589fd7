package import NIOCore

/// A line of a request or an answer at `…/input`: the next bytes of a command's standard input, or a control line.
package enum InputLine: Sendable, Equatable {
    case bytes(ByteBuffer)
    /// Nothing follows what stands before.
    case end
    /// The terminal's size from now on.
    case size(TerminalSize)

    /// Why a body isn't made of such lines.
    package struct Invalid: Error, Equatable {
        /// From 1.
        package let line: Int
    }

    /// Reads a body's lines. Fields that are unknown are passed over; bytes behind an end aren't.
    ///
    /// - Throws: ``Invalid``.
    package static func parse(_ body: ByteBuffer) throws(Invalid) -> [InputLine] {
        var (lines, isEnded) = ([InputLine](), false)
        var wrong: Int?
        body.withUnsafeReadableBytes { bytes in
            var (position, number) = (0, 0)
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                let text = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
                (position, number) = (end + 1, number + 1)
                if text.isEmpty { continue }
                guard let line = InputLine(text), !(isEnded && line.hasBytes) else {
                    wrong = number
                    return
                }
                lines.append(line)
                isEnded = isEnded || line == .end
            }
        }
        if let wrong { throw Invalid(line: wrong) }
        return lines
    }

    /// Whether it holds a part of the input.
    package var hasBytes: Bool { if case .bytes(let bytes) = self { bytes.readableBytes > 0 } else { false } }

    private init?(_ text: UnsafeRawBufferPointer) {
        // What is wrong with it is all the same.
        let fields = try? FlatObject(text, words: ["type", "base64"], numbers: ["columns", "rows"])
        switch fields?.word("type") {
        case "input":
            guard let bytes = fields?.word("base64").flatMap(Base64.decode) else { return nil }
            self = .bytes(bytes)
        case "size":
            guard let columns = fields?.number("columns").flatMap(Int.init(exactly:)),
                let rows = fields?.number("rows").flatMap(Int.init(exactly:))
            else { return nil }
            let size = TerminalSize(columns: columns, rows: rows)
            guard size.isValid else { return nil }
            self = .size(size)
        case "end": self = .end
        default: return nil
        }
    }

    /// Writes the line, with its newline.
    package func write(into body: inout ByteBuffer) {
        switch self {
        case .bytes(let bytes):
            body.writeStaticString("{\"type\":\"input\",\"base64\":\"")
            Base64.encode(bytes, into: &body)
            body.writeStaticString("\"}\n")
        case .end: body.writeStaticString("{\"type\":\"end\"}\n")
        case .size(let size):
            body.writeString("{\"type\":\"size\",\"columns\":\(size.columns),\"rows\":\(size.rows)}\n")
        }
    }

    package static func body(_ lines: [InputLine]) -> ByteBuffer {
        var body = ByteBuffer()
        for line in lines { line.write(into: &body) }
        return body
    }
}

/// Base64 of RFC 4648, section 4, with padding.
enum Base64 {
    static func encode(_ bytes: ByteBuffer, into text: inout ByteBuffer) {
        let length = (bytes.readableBytes + 2) / 3 * 4
        text.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { text in
            digits.withUnsafeBufferPointer { digits in
                bytes.withUnsafeReadableBytes { bytes in
                    var (read, written) = (0, 0)
                    while read < bytes.count {
                        let count = min(3, bytes.count - read)
                        var held: UInt32 = 0
                        for index in 0..<3 { held = held << 8 | (index < count ? UInt32(bytes[read + index]) : 0) }
                        for index in 0..<4 {
                            let value = Int(held >> UInt32(18 - 6 * index)) & 63
                            text[written + index] = index <= count ? digits[value] : padding
                        }
                        read += count
                        written += 4
                    }
                }
            }
            return length
        }
    }

    /// - Returns: `nil` for what is no base64.
    static func decode(_ text: String) -> ByteBuffer? {
        var text = text
        let length = text.utf8.count
        guard length % 4 == 0 else { return nil }
        var bytes = ByteBufferAllocator().buffer(capacity: length / 4 * 3)
        let isSound = text.withUTF8 { text in
            let padded = text.suffix(2).reduce(0) { $0 + ($1 == padding ? 1 : 0) }
            var (held, bits): (UInt32, UInt32) = (0, 0)
            var isMadeOfDigits = true
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length / 4 * 3) { bytes in
                values.withUnsafeBufferPointer { values in
                    var (read, written) = (0, 0)
                    while read < text.count - padded {
                        let value = values[Int(text[read])]
                        read += 1
                        isMadeOfDigits = isMadeOfDigits && value < 64
                        held = held << 6 | UInt32(value)
                        bits += 6
                        guard bits >= 8 else { continue }
                        bits -= 8
                        bytes[written] = UInt8(truncatingIfNeeded: held >> bits)
                        written += 1
                    }
                    return written
                }
            }
            // What is left of the last digit is nothing.
            return isMadeOfDigits && padded == Int(bits / 2) && held & (1 << bits - 1) == 0
        }
        return isSound ? bytes : nil
    }

    private static let padding = UInt8(ascii: "=")
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// 255 for what is no digit.
    private static let values: [UInt8] = (0...UInt8.max).map { byte in
        digits.firstIndex(of: byte).map(UInt8.init) ?? 255
    }
}
