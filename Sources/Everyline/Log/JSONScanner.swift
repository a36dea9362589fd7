/// A strict reader of JSON (RFC 8259) over bytes that come from outside. It makes no values of its own: strings are
/// handed out as the range of their escaped text, so that a message can be stored without being decoded.
struct JSONScanner {
    let text: UnsafeRawBufferPointer
    private(set) var position: Int

    struct Failure: Error, Equatable {
        let position: Int
        let reason: Reason

        enum Reason: Equatable {
            case unexpected
            case invalidUTF8
            case numberOutOfRange
        }
    }

    /// A string's text between its quotation marks.
    struct Text {
        let range: Range<Int>
        /// Whether the text is not what it stands for: it holds a backslash.
        let hasEscapes: Bool
        /// Whether it holds half of a surrogate pair, which no other reader should have to see.
        let hasLoneSurrogates: Bool
    }

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
        self.position = 0
    }

    var isAtEnd: Bool { position == text.count }

    func fail(_ reason: Failure.Reason = .unexpected) -> Failure { Failure(position: position, reason: reason) }

    mutating func skipBlanks() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// Takes `byte`, past blanks, if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(Failure) {
        guard take(byte) else { throw fail() }
    }

    /// Takes one of the literals `true` and `false`.
    mutating func boolean() throws(Failure) -> Bool {
        skipBlanks()
        if takeLiteral("true") { return true }
        if takeLiteral("false") { return false }
        throw fail()
    }

    /// Takes a `null`, if one is next.
    mutating func takeNull() -> Bool {
        skipBlanks()
        return takeLiteral("null")
    }

    /// Takes an integer that fits into 64 bits; a fraction or an exponent is refused.
    mutating func integer() throws(Failure) -> Int64 {
        skipBlanks()
        let isNegative = position < text.count && text[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let start = position
        var value: Int64 = 0
        while position < text.count, (0x30...0x39).contains(text[position]) {
            let digit = Int64(text[position] - 0x30)
            let (product, high) = value.multipliedReportingOverflow(by: 10)
            let (sum, low) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !high, !low else { throw fail(.numberOutOfRange) }
            value = sum
            position += 1
        }
        guard position > start, text[start] != 0x30 || position == start + 1 else { throw fail() }
        if next(".") || next("e") || next("E") { throw fail() }
        return value
    }

    /// Takes a string and checks its escapes and its UTF-8.
    mutating func string() throws(Failure) -> Text {
        try expect(0x22)
        let start = position
        var hasEscapes = false
        var hasLoneSurrogates = false
        while true {
            position = text.endOfPlainText(from: position)
            guard position < text.count else { throw fail() }
            switch text[position] {
            case 0x22:
                position += 1
                return Text(
                    range: start..<position - 1, hasEscapes: hasEscapes, hasLoneSurrogates: hasLoneSurrogates)
            case 0x5C:
                hasEscapes = true
                if try !takeEscape() { hasLoneSurrogates = true }
            case 0x80...:
                guard case .valid(let length) = UTF8Sequence(in: text, at: position) else { throw fail(.invalidUTF8) }
                position += length
            default:
                throw fail()
            }
        }
    }

    /// What a text stands for, as UTF-8; half a surrogate pair becomes U+FFFD.
    func decode(_ source: Text) -> [UInt8] {
        guard source.hasEscapes else { return Array(text[source.range]) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(source.range.count)
        var index = source.range.lowerBound
        while index < source.range.upperBound {
            guard text[index] == 0x5C else {
                decoded.append(text[index])
                index += 1
                continue
            }
            let (scalar, length) = decodeEscape(at: index)
            decoded.append(contentsOf: String(scalar).utf8)
            index += length
        }
        return decoded
    }

    func decodeString(_ source: Text) -> String {
        source.hasEscapes
            ? String(decoding: decode(source), as: UTF8.self)
            : String(decoding: UnsafeRawBufferPointer(rebasing: text[source.range]), as: UTF8.self)
    }

    /// Takes any value, nested at most 16 deep.
    mutating func skipValue(depth: Int = 0) throws(Failure) {
        skipBlanks()
        guard position < text.count, depth < 16 else { throw fail() }
        switch text[position] {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try skipMembers(until: UInt8(ascii: "}"), isObject: true, depth: depth)
        case UInt8(ascii: "["): try skipMembers(until: UInt8(ascii: "]"), isObject: false, depth: depth)
        case UInt8(ascii: "-"), 0x30...0x39: try skipNumber()
        default:
            guard takeLiteral("true") || takeLiteral("false") || takeLiteral("null") else { throw fail() }
        }
    }

    private mutating func skipMembers(until end: UInt8, isObject: Bool, depth: Int) throws(Failure) {
        position += 1
        if take(end) { return }
        repeat {
            if isObject {
                _ = try string()
                try expect(UInt8(ascii: ":"))
            }
            try skipValue(depth: depth + 1)
        } while take(UInt8(ascii: ","))
        try expect(end)
    }

    private mutating func skipNumber() throws(Failure) {
        if next("-") { position += 1 }
        if next("0") { position += 1 } else { try skipDigits() }
        if next(".") {
            position += 1
            try skipDigits()
        }
        if next("e") || next("E") {
            position += 1
            if next("+") || next("-") { position += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(Failure) {
        let start = position
        while position < text.count, (0x30...0x39).contains(text[position]) { position += 1 }
        guard position > start else { throw fail() }
    }

    private func next(_ character: Unicode.Scalar) -> Bool {
        position < text.count && text[position] == UInt8(ascii: character)
    }

    private mutating func takeLiteral(_ literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard text.count - position >= length else { return false }
        for index in 0..<length where text[position + index] != literal.utf8Start[index] { return false }
        position += length
        return true
    }

    /// Takes an escape; `false` if it is half of a surrogate pair.
    private mutating func takeEscape() throws(Failure) -> Bool {
        position += 1
        guard position < text.count else { throw fail() }
        let kind = text[position]
        position += 1
        switch kind {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return true
        case 0x75: break
        default:
            position -= 1
            throw fail()
        }
        guard let unit = codeUnit(at: position) else { throw fail() }
        position += 4
        if UTF16.isTrailSurrogate(unit) { return false }
        guard UTF16.isLeadSurrogate(unit) else { return true }
        guard position + 1 < text.count, text[position] == 0x5C, text[position + 1] == 0x75,
            let low = codeUnit(at: position + 2), UTF16.isTrailSurrogate(low)
        else { return false }
        position += 6
        return true
    }

    /// The scalar of the checked escape at `index`, and the escape's length.
    private func decodeEscape(at index: Int) -> (Unicode.Scalar, Int) {
        switch text[index + 1] {
        case 0x62: return ("\u{8}", 2)
        case 0x66: return ("\u{C}", 2)
        case 0x6E: return ("\n", 2)
        case 0x72: return ("\r", 2)
        case 0x74: return ("\t", 2)
        case 0x75: break
        case let other: return (Unicode.Scalar(other), 2)
        }
        guard let unit = codeUnit(at: index + 2) else { return ("\u{FFFD}", 6) }
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        guard UTF16.isLeadSurrogate(unit), index + 7 < text.count, text[index + 6] == 0x5C, text[index + 7] == 0x75,
            let low = codeUnit(at: index + 8), UTF16.isTrailSurrogate(low),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF)))
        else { return ("\u{FFFD}", 6) }
        return (scalar, 12)
    }

    private func codeUnit(at index: Int) -> UInt16? {
        guard index + 4 <= text.count else { return nil }
        var unit: UInt16 = 0
        for position in index..<index + 4 {
            let byte = text[position]
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt16(byte - 0x30)
            case 0x41...0x46: unit = unit << 4 | UInt16(byte - 0x41 + 10)
            case 0x61...0x66: unit = unit << 4 | UInt16(byte - 0x61 + 10)
            default: return nil
            }
        }
        return unit
    }
}
