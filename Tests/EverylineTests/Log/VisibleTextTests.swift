import Everyline
import Testing

@Suite("Text that is made visible") struct VisibleTextTests {
    @Test(
        "shows what would steer a terminal, as JSON writes it",
        arguments: [
            ("plain text, ünï 漢 🎉", "plain text, ünï 漢 🎉"), ("\u{1B}]52;c;eA==\u{7}", #"\u001b]52;c;eA==\u0007"#),
            ("a\neveryline: fine\r\n\t", #"a\neveryline: fine\r\n\t"#), ("\u{9B}2J\u{7F}", #"\u009b2J\u007f"#),
            ("\u{202E}abc\u{2066}\u{2028}\u{200D}", #"\u202eabc\u2066\u2028\u200d"#),
            ("\u{E0041}", #"\udb40\udc41"#), ("'\u{301}", "'\u{301}"), ("", ""),
        ])
    func shows(text: String, expected: String) { #expect(text.visible() == expected) }

    @Test("keeps the newlines between lines of our own") func newlines() {
        #expect("{\n  \"a\" : \"\u{9B}\"\n}".visible(keepingNewlines: true) == "{\n  \"a\" : \"\\u009b\"\n}")
    }
}
