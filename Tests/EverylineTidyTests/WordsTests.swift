import Testing

@Suite("The words")
struct WordsTests {
    /// The folders whose comments and messages say who does what. A folder that has become clean joins them.
    private static let clean = [
        "CSpawn", "CZlib", "EverylineAWSCLI", "EverylineCanary", "EverylineClient", "EverylineDemo",
        "EverylineProducer",
        "Simulate",
    ]

    @Test("of a clean folder name the actor", arguments: clean)
    func actors(folder: String) throws {
        for (path, text) in Repository.sources where path.hasPrefix("Sources/\(folder)/") {
            let found = text.firstMatch(of: /\b(?:[Ss]omebody|[Nn]obody|[Ww]hoever|[Aa]nybody)\b|[Ww]hat becomes of/)
            #expect(found == nil, "\(path) says \(found?.output ?? "")")
        }
    }

    @Test("of the pages that a newcomer reads name the actor")
    func pages() throws {
        for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] + Repository.files("docs", ".md")
        where page.split(separator: "/").count <= 2 && !["docs/reliability.md", "docs/simulation.md"].contains(page) {
            let found = try Repository.text(page).firstMatch(of: /\b(?:[Ss]omebody|[Nn]obody|[Ww]hoever|[Aa]nybody)\b/)
            #expect(found == nil, "\(page) says \(found?.output ?? "")")
        }
    }
}
