import Foundation
import Testing

@Suite("The words")
struct WordsTests {
    /// Actors without a name. (In classes, so that this line holds none of them itself.)
    private static let anonymous =
        #"\b([Ss]ome|[Nn]o|[Aa]ny|[Ee]very)bod[y]\b|\b([Ss]ome|[Aa]ny)on[e]\b|\b[Ww]hom?eve[r]\b|[Ww]hat becomes o[f]"#

    /// All code of the product and of its tests that is compiled, and the pages of the viewer.
    private static let folders =
        Set(Repository.sources.keys.map { $0.split(separator: "/").prefix(2).joined(separator: "/") }).sorted()
        + ["Sources/CSpawn", "Sources/CZlib", "Viewer"]

    private func check(_ path: String) throws {
        let text = try Repository.text(path)
        let found = text.range(of: Self.anonymous, options: .regularExpression)
        #expect(found == nil, "\(path) says \(found.map { text[$0] } ?? "")")
    }

    @Test("of all code name the actor", arguments: folders)
    func actors(folder: String) throws {
        let endings = [".swift", ".c", ".h", ".js", ".html", ".css", "openapi.json"]
        for path in endings.flatMap({ Repository.files(folder, $0) }) where !path.contains("/Resources/viewer/") {
            try check(path)
        }
    }

    @Test("of the pages that a newcomer reads name the actor")
    func pages() throws {
        for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] + Repository.files("docs", ".md")
        where page.split(separator: "/").count <= 2 && !["docs/reliability.md", "docs/simulation.md"].contains(page) {
            try check(page)
        }
    }

    @Test("of a failed test say what failed")
    func failures() {
        for (path, text) in Repository.sources where path.hasPrefix("Tests/") {
            #expect(!text.contains("Bool(" + "false)"), "\(path) has a check that says nothing: Issue.record has words")
        }
    }
}
