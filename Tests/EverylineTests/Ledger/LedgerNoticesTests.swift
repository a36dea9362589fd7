import Testing

@testable import Everyline

@Suite("A ledger's notices")
struct LedgerNoticesTests {
    @Test("say which lines are lost, and are read back", arguments: [1...1, 4...9, 1...UInt64.max])
    func lost(numbers: ClosedRange<UInt64>) {
        #expect(LostLines(LostLines(numbers).text)?.numbers == numbers)
    }

    @Test(
        "of another producer or another text say nothing of lines",
        arguments: [
            "", "Line 4", "Line 4 is missing.",
            "Lines 9 to 4 are missing: the platform's log has lost what was written.", "Lines 4 to 9",
        ])
    func other(text: String) {
        #expect(LostLines(text) == nil)
    }

    @Test("say which line is late, whatever is in it, and are read back", arguments: ["", "a", " a b", "7 8"])
    func late(line: String) {
        #expect(LateLine(LateLine(7, line).text) == LateLine(7, line))
    }

    @Test("that are no late lines aren't read as such", arguments: ["", "7", "x y", "-1 a"])
    func notLate(text: String) {
        #expect(LateLine(text) == nil)
    }
}
