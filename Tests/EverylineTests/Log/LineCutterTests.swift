import Everyline
import Testing

@Suite("A line cutter")
struct LineCutterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: [UInt8]
        let lines: [String]
        let name: String

        init(_ name: String, _ text: String, _ lines: [String]) { self.init(name, bytes: Array(text.utf8), lines) }

        init(_ name: String, bytes: [UInt8], _ lines: [String]) {
            (self.name, text, self.lines) = (name, bytes, lines)
        }

        var testDescription: String { name }
    }

    static let cases = [
        Case("nothing", "", []),
        Case("one line", "a\n", ["a"]),
        Case("empty lines", "\n\na\n\n", ["", "", "a", ""]),
        Case("no newline at the end", "a\nb", ["a", "b"]),
        Case("carriage returns", "1%\r2%\r\n", ["1%\r2%\r"]),
        Case("exactly the limit", "12345678\nx\n", ["12345678", "x"]),
        Case("exactly the limit at the end", "12345678", ["12345678"]),
        Case("one byte over the limit", "123456789\n", ["12345678+", "9"]),
        Case("twice the limit", "1234567812345678\n", ["12345678+", "12345678"]),
        Case("a scalar across the limit", "1234567é8\n", ["1234567+", "é8"]),
        Case("a wide scalar across the limit", "12345😀😀\n", ["12345+", "😀😀"]),
        Case("a wide scalar just before the limit", "1234567😀\n", ["1234567+", "😀"]),
        Case("a wide scalar just before the limit, in the middle", "123456😀12345678", ["123456+", "😀1234+", "5678"]),
        // What isn't UTF-8 takes three bytes of a line's text.
        Case("a broken byte within the limit", bytes: Array("12345".utf8) + [0xFF], ["12345\u{FFFD}"]),
        Case("a broken byte beyond the limit", bytes: Array("123456".utf8) + [0xFF, 0x0A], ["123456+", "\u{FFFD}"]),
        Case("broken bytes only", bytes: [0xFF, 0xFE, 0x80, 0x0A, 0x61], ["\u{FFFD}\u{FFFD}+", "\u{FFFD}", "a"]),
        Case("a torn scalar at the limit", bytes: Array("123456".utf8) + [0xE2, 0x82], ["123456+", "\u{FFFD}"]),
    ]

    @Test("gives the same lines whatever the portions", arguments: cases, 1...13)
    func portions(of example: Case, size: Int) {
        #expect(Self.lines(of: example, by: size, LineCutter(limit: 8)) == example.lines)
    }

    private static func lines(of example: Case, by size: Int, _ empty: LineCutter) -> [String] {
        var (cutter, lines) = (empty, [String]())
        let emit = { (line: UnsafeRawBufferPointer, isPartial: Bool) in
            lines.append(String(decoding: line, as: UTF8.self) + (isPartial ? "+" : ""))
        }
        for start in stride(from: 0, to: example.text.count, by: size) {
            let portion = Array(example.text[start..<min(start + size, example.text.count)])
            portion.withUnsafeBytes { cutter.feed($0, emit: emit) }
        }
        cutter.finish(emit: emit)
        return lines
    }

    static let terminalCases = [
        Case("a terminal's lines", "a\r\n\r\nb\r\n", ["a", "", "b"]),
        Case("a carriage return of the command's own", "a\r\r\nb\rc\n", ["a\r", "b\rc"]),
        Case("none at the end", "a\nb\r", ["a", "b\r"]),
        Case("the limit before it", "12345678\r\n1234567890\r\n", ["12345678", "12345678+", "90"]),
    ]

    @Test("takes what a terminal writes for a line's end where it is told to", arguments: terminalCases, 1...13)
    func terminal(example: Case, size: Int) {
        #expect(Self.lines(of: example, by: size, LineCutter(limit: 8, endsAtCRLF: true)) == example.lines)
    }

    @Test("keeps every byte of what isn't UTF-8")
    func bytes() {
        let text = [UInt8](0...255).filter { $0 != 10 } + [0xFF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]
        var cutter = LineCutter(limit: 8)
        var kept: [UInt8] = []
        text.withUnsafeBytes { cutter.feed($0) { line, _ in kept += Array(line) } }
        cutter.finish { line, _ in kept += Array(line) }
        #expect(kept == text)
    }
}
