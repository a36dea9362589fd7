import Everyline
import Testing

@Suite("The origins of pages") struct PageOriginsTests {
    private let origins = PageOrigins([
        "https://Logs.example", "https://other.example:443/logs/", "http://third.example:8080/a/b",
    ])

    @Test(
        "that may open streams are those that were allowed and the one that was asked, and no origin is no browser",
        arguments: [
            nil, "https://logs.example", "https://LOGS.example", "http://here:7070", "https://Here:7070",
            "https://other.example", "http://third.example:8080",
        ])
    func admitted(origin: String?) {
        #expect(origins.admit(origin, at: "here:7070"))
    }

    @Test(
        "that may not are all others, however like they look",
        arguments: [
            "", "null", "file://", "http://logs.example", "https://logs.example.evil",
            "https://evil/https://logs.example",
            "http://third.example", "https://other.example:8443", "http://here", "http://here:7071",
            "http://user@here:7070",
        ])
    func refused(origin: String) {
        #expect(!origins.admit(origin, at: "here:7070"))
    }

    @Test("are only those that were allowed where the page is served elsewhere")
    func withoutAuthority() {
        #expect(origins.admit("https://logs.example"))
        #expect(!origins.admit("http://here:7070"))
    }
}
