import EverylineRunner

/// The words that this process was called with, byte for byte: Swift's own are text, and mend what isn't.
enum ProcessArguments {
    /// Without the program's name.
    static let bytes = Array(OwnProcess.words.dropFirst())

    /// What the parser is given. Its time grows with the square of the words' number, and all that has so many is the
    /// command that is to be run, whose words it only hands on.
    static var parsed: [String] { bytes.prefix(limit).map { String(decoding: $0, as: UTF8.self) } }

    /// All words from the one on that is the `count`th before the end of what is parsed.
    static func last(_ count: Int) -> [[UInt8]] { Array(bytes.dropFirst(min(limit, bytes.count) - count)) }

    /// The value that one of these options had, as it was typed.
    static func bytes(of value: String, for options: String...) -> [UInt8] {
        let prefixes = [""] + options.flatMap { $0.hasPrefix("--") ? [$0 + "="] : [$0 + "=", $0] }
        for word in bytes {
            let text = String(decoding: word, as: UTF8.self)
            for prefix in prefixes where text == prefix + value { return Array(word.dropFirst(prefix.utf8.count)) }
        }
        return Array(value.utf8)
    }

    private static let limit = 500
}
