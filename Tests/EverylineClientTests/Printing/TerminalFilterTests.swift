import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A terminal's filter") struct TerminalFilterTests {
    private func filtered(_ parts: [[UInt8]], margin: String = "") -> String {
        var filter = TerminalFilter()
        filter.margin = Array(margin.utf8)
        var out = ByteBuffer()
        for part in parts { part.withUnsafeBytes { filter.write($0, to: &out) } }
        filter.endLine(to: &out)
        return out.text
    }

    @Test(
        "lets text, colours, tabs, returns, backspaces and erasing within the row through, and nothing else",
        arguments: [
            ("plain ünï 漢 🎉", "plain ünï 漢 🎉"),
            ("\u{1B}[1;31mred\u{1B}[0m\u{1B}[m", "\u{1B}[1;31mred\u{1B}[0m\u{1B}[m"),
            ("\u{1B}[38:2::1:2:3mx", "\u{1B}[38:2::1:2:3mx"), ("10%\r20%\t.", "10%\r20%\t."), ("ab\u{8}c", "ab\u{8}c"),
            ("\u{1B}]0;title\u{7}a", "a"), ("\u{1B}]52;c;eA==\u{1B}\\a", "a"), ("\u{1B}Pq#0\u{1B}\\a", "a"),
            ("\u{1B}[2J\u{1B}[H\u{1B}[1A\u{1B}[1K\u{1B}[5Ga", "a"), ("\u{1B}[>4;2ma", "a"), ("\u{1B}[?1049ha", "a"),
            ("10%\r\u{1B}[K20%\u{1B}[0K", "10%\r\u{1B}[K20%\u{1B}[K"), ("10%\u{1B}[2K\r20%", "10%\u{1B}[2K\r20%"),
            ("10%\u{1B}[1G\u{1B}[2K20%\u{1B}[G", "10%\r\u{1B}[K20%\r"),
            // As a prompt edits what is typed.
            ("ab_cd\u{8}\u{8}\u{8}\u{1B}[1Pz\u{1B}[C", "ab_cd\u{8}\u{8}\u{8}\u{1B}[1Pz\u{1B}[1C"),
            ("ab\u{1B}[9D\u{1B}[@x\u{1B}[2C\u{1B}[D", "ab\u{1B}[2D\u{1B}[1@x\u{1B}[1C\u{1B}[1D"),
            ("\u{1B}[C\u{1B}[Da\u{1B}[CC", "aC"), ("ab\r\u{1B}[CX", "ab\r\u{1B}[1CX"), ("a\u{1B}[99999P.", "a."),
            ("\u{1B}ca\u{1B}(0", "a"),
            ("\u{9B}2Ja\u{85}\u{9D}0;x\u{9C}", "2Ja0;x"), ("\u{7}\u{B}\u{C}\u{E}\u{0}\u{7F}a", "a"),
            ("\u{202E}a\u{2066}\u{2028}b\u{E9}\u{2014}", "ab\u{E9}\u{2014}"),
            ("\u{1B}[31", #"\u001b[31"#), ("\u{1B}]0;never ends", #"\u001b]0;never ends"#), ("\u{1B}", #"\u001b"#),
            ("\u{1B}[3\u{1B}[31mx", "\\u001b[3\u{1B}[31mx"), ("\u{1B}]0;x\u{1B}[31my", "\\u001b]0;x\u{1B}[31my"),
            ("\u{1B}]0;x\u{18}y", #"\u001b]0;xy"#), ("\u{1B}[3é", #"\u001b[3é"#), ("\u{1B}[1\rx", "\\u001b[1\rx"),
        ])
    func kinds(text: String, expected: String) {
        let bytes = Array(text.utf8)
        #expect(filtered([bytes]) == expected + "\n")
        // However it is cut.
        #expect(filtered(bytes.map { [$0] }) == expected + "\n")
        for cut in bytes.indices { #expect(filtered([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected + "\n") }
    }

    @Test("hides no more text than a sequence may have")
    func bounded() {
        let text = String(repeating: "x", count: 100_000)
        #expect(filtered([Array(("\u{1B}]" + text + "\u{7}").utf8)]) == #"\u001b]"# + text + "\n")
    }

    @Test("lets no backspace go beyond the text, and returns no further than the margin")
    func margin() {
        #expect(filtered([Array("a\u{8}\u{8}\u{8}b".utf8)]) == "a\u{8}b\n")
        #expect(filtered([Array("漢\u{8}\u{8}\u{8}b".utf8)]) == "漢\u{8}\u{8}b\n")
        #expect(filtered([Array("⠋\u{8}⠙\u{8}\u{8}b".utf8)]) == "⠋\u{8}⠙\u{8}b\n")
        // A mark stands over its letter, and bytes of a character may come apart.
        let mark = Array("e\u{301}é\u{8}\u{8}\u{8}b".utf8)
        #expect(filtered(mark.map { [$0] }) == "e\u{301}é\u{8}\u{8}b\n")
        #expect(filtered([Array("äö\u{1B}[9Db".utf8)]) == "äö\u{1B}[2Db\n")
        #expect(filtered([Array("10%\r20%\r\r".utf8)], margin: "T ") == "10%\rT 20%\r\r\n")
        #expect(
            filtered([Array("10%\r".utf8), Array("\u{8}\u{1B}[1m20%".utf8)], margin: "T ") == "10%\rT \u{1B}[1m20%\n")
        #expect(filtered([Array("a\nb".utf8)], margin: "T ") == "a\nT b\n")
        #expect(filtered([Array("ab\u{1B}[7Dc\r\u{1B}[Dd".utf8)], margin: "T ") == "ab\u{1B}[2Dc\rT d\n")
        #expect(filtered([Array("a\u{1B}[2Kb\r\u{1B}[2Kc".utf8)], margin: "T ") == "ab\rT \u{1B}[Kc\n")
    }

    @Test("knows whether a colour is left on")
    func colour() {
        for (text, isColoured) in [
            ("\u{1B}[31mx", true), ("\u{1B}[31mx\u{1B}[0m", false), ("\u{1B}[1mx\u{1B}[m", false),
        ] {
            var filter = TerminalFilter()
            var out = ByteBuffer()
            Array(text.utf8).withUnsafeBytes { filter.write($0, to: &out) }
            #expect(filter.isColoured == isColoured)
        }
    }

    @Test("leaves nothing of random bytes that steers", arguments: 0..<300 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet: [UInt8] = [
            0x1B, 0x1B, 0x5B, 0x5D, 0x50, 0x5C, 0x07, 0x6D, 0x4B, 0x47, 0x43, 0x44, 0x50, 0x40, 0x32, 0x4A, 0x3B, 0x31,
            0xC2, 0x9B, 0xE2, 0x80,
            0xAE, 0x0D, 0x08,
            0x09,
            0x20, 0x28, 0x61, 0x18,
        ]
        let parts = (0..<4).map { _ in
            (0..<Int.random(in: 0...12, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
        }
        var filter = TerminalFilter()
        var out = ByteBuffer()
        for part in parts { part.withUnsafeBytes { filter.write($0, to: &out) } }
        filter.endLine(to: &out)
        var rest = Array(out.readableBytesView)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x1B else {
                #expect(byte >= 0x20 && byte != 0x7F || [0x08, 0x09, 0x0A, 0x0D].contains(byte))
                #expect(!(byte == 0xC2 && rest.first.map { (0x80...0x9F).contains($0) } ?? false))
                continue
            }
            #expect(rest.popFirst() == UInt8(ascii: "["))
            let end = try #require(rest.firstIndex { !(0x30...0x3B).contains($0) })
            #expect("mKCDP@".utf8.contains(rest[end]))
            rest = rest[(end + 1)...]
        }
    }
}
