import Everyline
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A line's text: its number, the time at which it was due, and a sum over both, so that a reader knows a line that
/// isn't what was written.
///
///     41 1763500000123456 9f3c01ab bcdefghij…
struct NumberedLine: Equatable {
    /// From 1, as the offsets of a log that holds nothing else.
    let number: UInt64
    /// In microseconds since the epoch.
    let time: UInt64

    /// With 18 digits a number, which is as many as can be read.
    static let shortest = 48
    static let longest = 64 * 1024

    private static let letters: [UInt8] = (0..<longest + 26).map { UInt8(ascii: "a") + UInt8($0 % 26) }

    /// Writes the text, with letters behind it up to `length` bytes. It has nothing that JSON would have to escape.
    func write(to buffer: inout ByteBuffer, length: Int, seed: UInt64) {
        let start = buffer.writerIndex
        buffer.writeString("\(number) \(time) ")
        buffer.writeInteger(sum(seed), endianness: .little)
        buffer.writeStaticString(" ")
        let rest = max(0, length - (buffer.writerIndex - start))
        let first = Int(number % 26)
        buffer.writeBytes(Self.letters[first..<first + rest])
    }

    /// Reads what ``write(to:length:seed:)`` wrote; `nil` if it is anything else.
    init?(_ bytes: UnsafeRawBufferPointer, seed: UInt64) {
        var position = 0
        guard let number = EventLinePrefix.number(in: bytes, &position, bytes.count),
            EventLinePrefix.skip(" ", in: bytes, &position, bytes.count),
            let time = EventLinePrefix.number(in: bytes, &position, bytes.count),
            EventLinePrefix.skip(" ", in: bytes, &position, bytes.count), bytes.count - position > 8
        else { return nil }
        self.init(number: number, time: time)
        let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        guard sum == self.sum(seed), bytes[position + 8] == UInt8(ascii: " ") else { return nil }
        let letters = UnsafeRawBufferPointer(rebasing: bytes[(position + 9)...])
        guard letters.count <= Self.longest, Self.areLetters(letters, from: Int(number % 26)) else { return nil }
    }

    init(number: UInt64, time: UInt64) {
        self.number = number
        self.time = time
    }

    private static func areLetters(_ bytes: UnsafeRawBufferPointer, from first: Int) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        return letters.withUnsafeBytes { letters in
            letters.baseAddress.map { memcmp(start, $0 + first, bytes.count) } == 0
        }
    }

    /// Eight hexadecimal digits as the bytes that they are written with.
    private func sum(_ seed: UInt64) -> UInt64 {
        var mixed = (number &* 0x9E37_79B9_7F4A_7C15) ^ (time &* 0xBF58_476D_1CE4_E5B9) ^ seed
        mixed = (mixed ^ (mixed >> 29)) &* 0x94D0_49BB_1331_11EB
        // Spreads eight half-bytes over eight bytes, and adds what makes a digit or a letter of each.
        var digits = mixed >> 32
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }
}
