import Foundation

/// The files of this clone, as text.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// The paths of all files below `folder` whose names end so.
    static func files(_ folder: String, _ ending: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
        return (names?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(ending) }.sorted().map {
            "\(folder)/\($0)"
        }
    }

    /// The pages that people read.
    static let pages =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        + files("docs", ".md") + ["deploy/aws/README.md"]

    /// Swift files of the product and of its tests, each read once.
    static let sources: [String: String] = {
        var sources: [String: String] = [:]
        for path in files("Sources", ".swift") + files("Tests", ".swift") { sources[path] = try? text(path) }
        return sources
    }()

    /// The rows of all tables of a page, as cells; heads and rules left out.
    static func rows(_ page: String) throws -> [[String]] {
        try text(page).split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }.map { line in
            line.dropFirst().dropLast().replacing("\\|", with: "\u{1}").split(
                separator: "|", omittingEmptySubsequences: false
            )
            .map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// What stands between backquotes.
    static func code(_ text: String) -> [String] { text.matches(of: /`([^`\n]+)`/).map { String($0.1) } }
}
