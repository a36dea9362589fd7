import EverylineTesting
import Testing

@testable import Everyline

@Suite("Pending lines") struct PendingLinesTests {
    private let id = Sample.id("e")
    private let start = ContinuousClock.now
    private let limit: ByteCount = 4096

    private func line(_ after: UInt64, _ message: String) -> PendingLine {
        PendingLine(after: Offset(after), message: message)
    }

    private func lines(_ offered: PendingLine...) -> PendingLines {
        var lines = PendingLines(limit: limit)
        for line in offered { lines.offer(line, of: id, at: start) }
        _ = lines.show(of: id, at: start)
        return lines
    }

    @Test("are shown behind the event that they name, and behind no other")
    func place() {
        let lines = lines(line(3, "a"))
        #expect(lines.line(of: id, after: Offset(3)) == line(3, "a"))
        for other in [0, 2, 4] as [UInt64] { #expect(lines.line(of: id, after: Offset(other)) == nil) }
        #expect(lines.line(of: Sample.id("other"), after: Offset(3)) == nil)
    }

    @Test("are replaced by the newest, and never by one behind an earlier event")
    func newest() {
        #expect(lines(line(3, "a"), line(3, "b")).line(of: id, after: Offset(3)) == line(3, "b"))
        #expect(lines(line(3, "a"), line(2, "late")).line(of: id, after: Offset(3)) == line(3, "a"))
        #expect(lines(line(3, "a"), line(3, "")).line(of: id, after: Offset(3)) == nil)
    }

    @Test("end with a later event, and all with the end")
    func reached() {
        for (head, isEnded, isThere) in [(2, false, true), (3, false, true), (4, false, false), (3, true, false)] {
            var lines = lines(line(3, "a"))
            lines.reach(Offset(UInt64(head)), in: id, isEnded: isEnded)
            #expect((lines.line(of: id, after: Offset(3)) != nil) == isThere)
        }
        var lines = lines(line(3, "a"))
        lines.reach(Offset(4), in: id, isEnded: true)
        #expect(lines.byteCount == 0)
    }

    @Test("are shown ten times a second at the most, also where events come between them")
    func pace() {
        var lines = lines(line(3, "a"))
        lines.reach(Offset(4), in: id, isEnded: false)
        lines.offer(line(4, "b"), of: id, at: start + .milliseconds(10))
        #expect(lines.show(of: id, at: start + .milliseconds(10)) == .later(.milliseconds(90)))
        lines.offer(line(4, "c"), of: id, at: start + .milliseconds(20))
        #expect(lines.line(of: id, after: Offset(4)) == nil)
        #expect(lines.show(of: id, at: start + .milliseconds(100)) == .shown)
        #expect(lines.line(of: id, after: Offset(4)) == line(4, "c"))
        #expect(lines.show(of: id, at: start + .milliseconds(300)) == .nothingNew)
        lines.offer(line(4, "c"), of: id, at: start + .milliseconds(300))
        #expect(lines.show(of: id, at: start + .milliseconds(300)) == .nothingNew)
    }

    @Test("take a limited number of bytes: those that have not changed for longest go first")
    func limited() {
        var lines = PendingLines(limit: limit)
        for number in 0..<100 {
            let id = Sample.id("e\(number)")
            lines.offer(line(1, String(repeating: "x", count: 200)), of: id, at: start + .seconds(number))
            _ = lines.show(of: id, at: start + .seconds(number))
            #expect(lines.byteCount <= limit)
            #expect(lines.line(of: id, after: Offset(1)) != nil)
        }
        #expect(lines.line(of: Sample.id("e0"), after: Offset(1)) == nil)
    }

    @Test(
        "leave out what a carriage return has certainly overwritten, and nothing else",
        arguments: [
            ("10%\r20%\r30%", "30%"), ("longer\rshort", "longer\rshort"), ("a\rlonger\rbb", "longer\rbb"),
            ("10%\r20%\r", "20%\r"), (" 9% ▏ \r10% ▌ ", "10% ▌ "), ("漢\ra", "漢\ra"), ("漢\rab", "ab"),
            ("\u{1B}[31mred\u{1B}[0m\rnew", "new"), ("\u{1B}[31mred\rnew", "\u{1B}[31mred\rnew"),
            ("longer\r\u{1B}[2Knew", "\u{1B}[2Knew"), ("longer\r\u{1B}[1Knew", "longer\r\u{1B}[1Knew"),
            ("a\tb\rnew", "a\tb\rnew"), ("\u{1B}[2Aup\rnew", "\u{1B}[2Aup\rnew"),
            ("e\u{301}e\u{301}\rnew", "e\u{301}e\u{301}\rnew"),
            ("", ""), ("\r", ""), ("\r\rnew", "new"),
        ])
    func overwritten(text: String, left: String) {
        #expect(PendingLine.text(of: Array(text.utf8), isCut: false) == left)
    }

    @Test("of a progress bar are as long as its last state")
    func progress() {
        let bar = (0...1000).map { "\r\($0 / 10)%|\(String(repeating: "█", count: $0 / 20))| \($0)/1000" }.joined()
        #expect(PendingLine.text(of: Array(bar.utf8), isCut: false).utf8.count < 300)
    }

    @Test(
        "hold the end of a line's bytes, in whole scalars",
        arguments: [
            (Array("50%".utf8), false, "50%"), ([], false, ""),
            (Array("é".utf8.dropFirst()) + Array("b".utf8), true, "b"), (Array("aé".utf8.dropLast()), false, "a"),
            (Array("a🙂".utf8.dropLast()), false, "a"), (Array("a🙂".utf8), false, "a🙂"),
            ([0x80, 0x61], false, "\u{FFFD}a"), ([0x61, 0xFF], false, "a"), ([0x61, 0xFF, 0x62], false, "a\u{FFFD}b"),
            (Array(repeating: 0x80, count: 8192), false, String(repeating: "\u{FFFD}", count: 2730)),
        ] as [([UInt8], Bool, String)])
    func text(bytes: [UInt8], isCut: Bool, text: String) {
        #expect(PendingLine.text(of: bytes, isCut: isCut) == text)
    }
}
