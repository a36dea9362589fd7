import Everyline
import Testing

@Suite("A message of the platform's log")
struct SourceEventTests {
    private let time = Timestamp(milliseconds: 5)

    @Test(
        "is read as the script wrote it",
        arguments: [
            ("\u{1E}1 a", 1, .line, "a"), ("\u{1E}2 ", 2, .line, ""), ("\u{1E}3+part", 3, .part, "part"),
            ("\u{1E}4=3", 4, .end(ScriptEnd(exitCode: 3)), "3"),
            ("\u{1E}4=124 timed_out", 4, .end(ScriptEnd(exitCode: 124, word: .timedOut)), "124 timed_out"),
            ("\u{1E}4=143 stopped", 4, .end(ScriptEnd(exitCode: 143, word: .stopped)), "143 stopped"),
            ("\u{1E}5000000000 \u{1E}1 x", 5_000_000_000, .line, "\u{1E}1 x"),
            ("\u{1E}9007199254740992 top", 1 << 53, .line, "top"),
            // What follows the kind may be a character that joins the one before it.
            ("\u{1E}6 \u{301}e", 6, .line, "\u{301}e"), ("\u{1E}7+\u{FE0F}", 7, .part, "\u{FE0F}"),
        ] as [(String, UInt64, SourceEvent.Kind, String)])
    func numbered(message: String, number: UInt64, kind: SourceEvent.Kind, text: String) {
        let event = SourceEvent(message: message, at: time)
        #expect(event == SourceEvent(number, kind, text, at: time))
        #expect(event.message == message)
    }

    @Test(
        "has no number if it isn't exactly that",
        arguments: [
            "", "plain", "\u{1E}", "\u{1E}1", "\u{1E} a", "\u{1E}0 a", "\u{1E}01 a", "\u{1E}-1 a", "\u{1E}1>a", "1 a",
            " \u{1E}1 a", "\u{1E}9007199254740993 a", "\u{1E}99999999999999999999 a", "\u{1E}4=", "\u{1E}4=x",
            "\u{1E}4=256", "\u{1E}4=3 killed", "\u{1E}4=3 ", "\u{1E}1\u{301}a",
        ])
    func unnumbered(message: String) {
        let event = SourceEvent(message: message, at: time)
        #expect(event == SourceEvent(nil, .line, message, at: time))
        #expect(event.message == message)
    }
}
