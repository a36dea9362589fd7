import Foundation
import Testing

@Suite("The words")
struct WordsTests {
    /// Actors without a name. (In classes, so that this line holds none of them itself.)
    private static let anonymous =
        #"(?<![A-Za-z])(([Ss]ome|[Nn]o|[Aa]ny|[Ee]very)bod[y]|([Ss]ome|[Aa]ny)on[e]|[Ww]hom?eve[r])(?![A-Za-z])"#

    /// Riddles: each has a plain word in its place. (In classes, as above.)
    private static let riddles =
        #"[Ww]hat beca[m]e of|[Ww]hat become[s] of|(?:for|of) wh[o] (?:reads|lists|debugs|asked|has|counts)"#

    private static let folders =
        Set(Repository.sources.keys.map { $0.split(separator: "/").prefix(2).joined(separator: "/") })
        .union(["Sources/CSpawn", "Sources/CZlib", "Viewer", "docs", "deploy", "packaging", "bench", "verification"])
        .union(["Tests/AWS", "Tests/Browser", "Tests/EndToEnd", "Tests/Package", "Tests/Viewer"]).sorted()

    /// What people write in: code, tests, settings and pages.
    private static let endings = [
        ".swift", ".c", ".h", ".js", ".mjs", ".html", ".css", ".json", ".py", ".sh", ".md", ".pml", ".yaml", ".yml",
        ".service",
    ]

    private func check(_ path: String) throws {
        let text = try Repository.text(path)
        let found = text.range(of: Self.anonymous, options: .regularExpression)
        #expect(found == nil, "\(path) says \(found.map { text[$0] } ?? "")")
        let riddle = text.range(of: Self.riddles, options: .regularExpression)
        #expect(riddle == nil, "\(path) says \(riddle.map { text[$0] } ?? "")")
    }

    @Test("of all code and all pages name the actor", arguments: folders)
    func actors(folder: String) throws {
        for path in Self.endings.flatMap({ Repository.files(folder, $0) }) where !path.contains("/Resources/viewer/") {
            try check(path)
        }
    }

    @Test("of the first pages name the actor", arguments: Repository.pages.filter { !$0.contains("/") })
    func pages(page: String) throws {
        try check(page)
    }

    @Test("of the product name one type each, but for the two command lines' own")
    func types() {
        var places: [String: Set<String>] = [:]
        for (path, text) in Repository.sources where path.hasPrefix("Sources/") {
            for found in text.matches(
                of: /(?m)^(?:public |package |final |indirect )*(?:struct|class|enum|actor|protocol) (\w+)/)
            {
                places[String(found.1), default: []].insert(path)
            }
        }
        let twice = places.filter { $0.value.count > 1 && !["Root", "Doctor"].contains($0.key) }
        #expect(places.count > 500)
        #expect(twice.isEmpty, "these are several types: \(twice)")
    }

    @Test("of a precondition say what was found where it fails")
    func preconditions() {
        for (path, text) in Repository.sources where path.hasPrefix("Sources/") {
            for (index, call) in text.components(separatedBy: "precondition(").dropFirst().enumerated() {
                // Up to the end of the call's line, or of its lines.
                let words =
                    call.hasPrefix("\n")
                    ? call.components(separatedBy: "\n        )")[0] : String(call.prefix { $0 != "\n" })
                #expect(words.contains("\\("), "precondition \(index + 1) of \(path) says nothing of what it has found")
            }
        }
    }

    @Test("of a failed test say what failed")
    func failures() {
        for (path, text) in Repository.sources where path.hasPrefix("Tests/") {
            #expect(!text.contains("Bool(" + "false)"), "\(path) has a check that says nothing: Issue.record has words")
        }
    }
}
