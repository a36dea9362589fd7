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

    /// The index of the quote that ends the JSON string whose first byte is at `start`; `nil` if there is none before `end`.
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
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index + 8 <= count {
            let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            // The classic "has a zero byte" and "has a byte below n" tests, eight bytes at a time.
            let found =
                ((word &- ones &* 0x20) & ~word) | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | word
            if found & highs != 0 { break }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return index }
            index += 1
        }
        return index
    }
}
