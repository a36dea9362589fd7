import Everyline
import EverylineClient
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("A command's words for a shell") struct ShellWordsTests {
    @Test("are quoted where a shell would read something else")
    func quoted() {
        #expect(shellWords(["make", "-j4", "A=b/c.d"]) == "make -j4 A=b/c.d")
        #expect(shellWords(["echo", "", "a b", "$x", "~root"]) == "echo '' 'a b' '$x' '~root'")
        #expect(shellWords(["it's"]) == #"'it'\''s'"#)
        // A quotation mark that something combines with is one for the shell all the same.
        #expect(Array(shellWords(["'\u{301}; x"]).utf8) == Array(#"''\''\#u{301}; x'"#.utf8))
    }

    @Test("hold nothing that steers a terminal, whatever they are", arguments: 0..<200 as Range<UInt64>)
    func invisible(seed: UInt64) {
        let command = Self.command(seed)
        let text = shellWords(command)
        #expect(text == text.visible())
        #expect(Self.words(text) == command.map { Array($0.utf8) })
    }

    @Test("are cut at a limit, and none is read to its end for that")
    func limit() {
        #expect(shellWords(["echo", "abc", "def"], limit: 120) == "echo abc def")
        #expect(shellWords(["echo", "abcdef"], limit: 8) == "echo abc…")
        #expect(shellWords(["echo", "éé'éé"], limit: 8).hasSuffix("…"))
        let long = shellWords(["echo", String(repeating: "x", count: 8 << 20)], limit: 120)
        #expect(long.utf8.count < 130)
        #expect(shellWords(Array(repeating: "word", count: 100_000), limit: 120).utf8.count < 130)
    }

    private static func command(_ seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "a", " ", "'", "\"", "\\", "\u{301}", "\u{200D}", "\n", "\r", "\r\n", "\t", "\u{1B}", "\u{9B}", "\u{202E}",
            "7",
            "$(x)", "`", "!", "é", "漢", "\u{FE0F}", "\u{E0041}", "#", "*", "?",
        ]
        return (0..<Int.random(in: 1...4, using: &generator)).map { _ in
            (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
        }
    }

    /// Reads words as POSIX shells with `$'…'` do; a second implementation of their rules, byte by byte.
    private static func words(_ text: String) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var rest = Array(text.utf8)[...]
        var word: [UInt8]?
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: " "):
                if let done = word { words.append(done) }
                word = nil
            case UInt8(ascii: "'"):
                let end = rest.firstIndex(of: UInt8(ascii: "'")) ?? rest.endIndex
                word = (word ?? []) + rest[..<end]
                rest = rest[min(end + 1, rest.endIndex)...]
            case UInt8(ascii: "$") where rest.first == UInt8(ascii: "'"):
                rest.removeFirst()
                word = (word ?? []) + escaped(&rest)
            case UInt8(ascii: "\\"): word = (word ?? []) + [rest.popFirst() ?? 0]
            default: word = (word ?? []) + [byte]
            }
        }
        if let done = word { words.append(done) }
        return words
    }

    private static func escaped(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "'") {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case 0x30...0x37:
                let digits = [escape] + rest.prefix(2)
                rest = rest.dropFirst(2)
                result.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 & 7) }))
            default: result.append(escape)
            }
        }
        return result
    }
}
