#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension UnsafeRawBufferPointer {
    /// The index of the first `\n` at or after `start`, found by the C library's vectorised scan.
    package func firstNewline(from start: Int) -> Int? {
        guard start < count, let base = baseAddress,
            let found = memchr(base + start, 0x0A, count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// How many newlines there are.
    package var newlineCount: Int {
        var (count, position) = (0, 0)
        while let newline = firstNewline(from: position) {
            count += 1
            position = newline + 1
        }
        return count
    }

    /// Whether the text stands anywhere in these bytes.
    package func contains(_ text: StaticString) -> Bool {
        guard let base = baseAddress else { return false }
        let (length, first) = (text.utf8CodeUnitCount, Int32(text.utf8Start[0]))
        var position = 0
        while position + length <= count, let found = memchr(base + position, first, count - length - position + 1) {
            if memcmp(found, text.utf8Start, length) == 0 { return true }
            position = UnsafeRawPointer(found) - base + 1
        }
        return false
    }

    /// Whether the text is the end of these bytes.
    package func hasSuffix(_ text: StaticString) -> Bool {
        guard let base = baseAddress, count >= text.utf8CodeUnitCount else { return false }
        return memcmp(base + count - text.utf8CodeUnitCount, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    /// The index of the quote that ends the JSON string whose first byte is at `start`; `nil` if there is none before
    /// `end`.
    package func endOfString(from start: Int, to end: Int) -> Int? {
        guard let base = baseAddress else { return nil }
        var position = start
        while position < end, let found = memchr(base + position, 0x22, end - position) {
            let quote = UnsafeRawPointer(found) - base
            var first = quote
            while first > start, self[first - 1] == UInt8(ascii: "\\") { first -= 1 }
            if (quote - first).isMultiple(of: 2) { return quote }
            position = quote + 1
        }
        return nil
    }

    /// The length of the first `count` lines with their newlines.
    ///
    /// - Precondition: there are that many.
    package func length(ofLines count: Int) -> Int {
        var position = 0
        for _ in 0..<count {
            guard let newline = firstNewline(from: position) else {
                preconditionFailure("a block holds fewer events than its offsets say")
            }
            position = newline + 1
        }
        return position
    }

    /// The length and number of the whole lines in the first `limit` bytes, or of the first line if it is longer.
    package func wholeLines(within limit: Int) -> (length: Int, count: Int) {
        var position = 0
        var count = 0
        while let newline = firstNewline(from: position) {
            if newline + 1 > limit && count > 0 { break }
            position = newline + 1
            count += 1
        }
        return (position, count)
    }

    /// The index of the first byte at or after `start` that a JSON string can't hold as it is or that isn't ASCII: a
    /// control byte, a quotation mark, a backslash, or anything from 0x80 on; `count` if there is none.
    package func endOfPlainText(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let found = loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian.firstSpecial
            if found < 8 { return index + found }
            index += 8
        }
        guard count >= 8 else {
            while index < count, UInt64(self[index]).firstSpecial > 0 { index += 1 }
            return index
        }
        // The last eight bytes, without those that were looked at: what takes their place is no plain text.
        let looked = index + 8 - count
        guard looked < 8 else { return count }
        let rest = loadUnaligned(fromByteOffset: count - 8, as: UInt64.self).littleEndian >> UInt64(looked * 8)
        return index + rest.firstSpecial
    }
}

extension UInt64 {
    /// Of eight bytes, the lowest first, the index of the first one that ends plain text; 8 if there is none.
    @inline(__always)
    fileprivate var firstSpecial: Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quotes = self ^ (ones &* 0x22)
        let slashes = self ^ (ones &* 0x5C)
        // The classic "has a zero byte" and "has a byte below n" tests: where several bytes are found, the first of
        // them is one.
        let found =
            ((self &- ones &* 0x20) & ~self) | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | self
        return (found & highs).trailingZeroBitCount >> 3
    }
}
