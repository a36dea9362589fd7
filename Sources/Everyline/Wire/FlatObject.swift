/// A small JSON object of words and non-negative integers, as the control lines of a stream are: the fields that were
/// asked for. Other fields, whatever they hold, are passed over, so that a newer peer may say more.
struct FlatObject {
    private var words: [String: String] = [:]
    private var numbers: [String: UInt64] = [:]

    /// Reads one object and nothing behind it.
    init(_ text: UnsafeRawBufferPointer, words wordNames: Set<String>, numbers numberNames: Set<String>) throws {
        var scanner = JSONScanner(text)
        try scanner.expect(UInt8(ascii: "{"))
        repeat {
            let name = scanner.decodeString(try scanner.string())
            try scanner.expect(UInt8(ascii: ":"))
            if wordNames.contains(name) {
                words[name] = scanner.decodeString(try scanner.string())
            } else if numberNames.contains(name) {
                let value = try scanner.integer()
                guard value >= 0 else { throw scanner.fail(.numberOutOfRange) }
                numbers[name] = UInt64(value)
            } else {
                try scanner.skipValue()
            }
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        scanner.skipBlanks()
        guard scanner.isAtEnd else { throw scanner.fail() }
    }

    func word(_ name: String) -> String? { words[name] }
    func number(_ name: String) -> UInt64? { numbers[name] }
    func offset(_ name: String) -> Offset? { numbers[name].map { Offset($0) } }
}
