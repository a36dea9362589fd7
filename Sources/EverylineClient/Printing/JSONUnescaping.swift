import Everyline
import NIOCore

extension ByteBuffer {
    /// Writes what the text of a JSON string stands for, from behind its opening quotation mark to its closing one.
    ///
    /// - Returns: where the closing quotation mark is; `nil`, with nothing written, for what only a full decoder can
    ///   judge: surrogates, unknown escapes, a string that doesn't end.
    mutating func writeUnescaped(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) -> Int? {
        let mark = writerIndex
        let line = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        var position = start
        var copied = start
        while true {
            position = line.endOfPlainText(from: position)
            guard position < end else { break }
            switch line[position] {
            case UInt8(ascii: "\""):
                writeBytes(line[copied..<position])
                return position
            case UInt8(ascii: "\\"):
                writeBytes(line[copied..<position])
                guard let length = writeEscape(line, at: position) else {
                    moveWriterIndex(to: mark)
                    return nil
                }
                position += length
                copied = position
            case 0x80...:
                position += 1
            default:
                moveWriterIndex(to: mark)
                return nil
            }
        }
        moveWriterIndex(to: mark)
        return nil
    }

    /// Writes what one escape stands for, and returns its length.
    private mutating func writeEscape(_ line: UnsafeRawBufferPointer, at position: Int) -> Int? {
        guard position + 1 < line.count else { return nil }
        let byte: UInt8
        switch line[position + 1] {
        case UInt8(ascii: "n"): byte = 0x0A
        case UInt8(ascii: "t"): byte = 0x09
        case UInt8(ascii: "r"): byte = 0x0D
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0C
        case UInt8(ascii: "\""): byte = 0x22
        case UInt8(ascii: "\\"): byte = 0x5C
        case UInt8(ascii: "/"): byte = 0x2F
        case UInt8(ascii: "u"): return writeCodeUnit(line, at: position)
        default: return nil
        }
        writeInteger(byte)
        return 2
    }

    private mutating func writeCodeUnit(_ line: UnsafeRawBufferPointer, at position: Int) -> Int? {
        guard position + 6 <= line.count else { return nil }
        let digits = String(
            decoding: UnsafeRawBufferPointer(rebasing: line[position + 2..<position + 6]), as: UTF8.self)
        guard digits.utf8.first != UInt8(ascii: "+"), digits.utf8.first != UInt8(ascii: "-"),
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else { return nil }
        writeString(String(scalar))
        return 6
    }
}
