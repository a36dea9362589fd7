import EverylineAWS
import Testing

@Suite("What a task's script writes") struct RunnerScriptTests {
    @Test(
        "is read as the command wrote it",
        arguments: [
            ("plain", "plain", false), ("", "", false), ("\u{1E}", "", false), ("\u{1E}>part", "part", true),
            ("\u{1E}>", "", true), ("\u{1E}=\u{1E}x", "\u{1E}x", false), ("\u{1E}other", "\u{1E}other", false),
            ("a\u{1E}>b", "a\u{1E}>b", false),
        ])
    func lines(message: String, text: String, isPartial: Bool) {
        let line = RunnerScript.Line(message)
        #expect(line.text == text)
        #expect(line.isPartial == isPartial)
    }
}
