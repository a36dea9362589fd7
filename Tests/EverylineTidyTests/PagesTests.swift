import Foundation
import Testing

@Suite("The pages")
struct PagesTests {
    @Test("that the server serves are all that its folder has")
    func served() throws {
        let table = try Repository.text("Sources/EverylineServer/Viewer/ViewerAsset.swift")
        let named = table.matches(of: /PackageResources\.(\w+)/).map { String($0.1) }
        let folder = "Sources/EverylineServer/Resources/viewer/"
        let files = Repository.files(String(folder.dropLast()), "").filter { $0.contains(".") }.map {
            String($0.dropFirst(folder.count)).replacing(/[-.]/, with: "_")
        }
        #expect(Set(named) == Set(files))
    }

    @Test("link to files that are there", arguments: Repository.pages)
    func links(page: String) throws {
        let folder = page.split(separator: "/").dropLast().joined(separator: "/")
        for link in try Repository.text(page).matches(of: /\]\(([^)# ]+)(#[^)]*)?\)/) where !link.1.contains("://") {
            let path = folder.isEmpty ? String(link.1) : "\(folder)/\(link.1)"
            #expect(Repository.exists(path), "\(page) links to \(link.1)")
        }
    }

    @Test("have an index that leaves none out")
    func index() throws {
        let index = try Repository.text("docs/README.md")
        for page in Repository.files("docs", ".md")
        where page.split(separator: "/").count == 2 && page != "docs/README.md" {
            #expect(index.contains("](\(page.dropFirst(5)))"), "docs/README.md lacks \(page)")
        }
    }

    @Test("of the decisions carry the date and the status that their index says")
    func decisions() throws {
        let rows = try Repository.rows("docs/decisions/README.md").dropFirst(1)
        let pages = Repository.files("docs/decisions", ".md").filter { !$0.hasSuffix("README.md") }
        #expect(rows.count == pages.count)
        for page in pages {
            let lines = try Repository.text(page).split(separator: "\n")
            let row = try #require(
                rows.first { $0[1].contains("(\(page.dropFirst("docs/decisions/".count)))") }, "\(page)")
            #expect(lines[0] == "# \(row[0]). \(row[1].dropFirst().prefix { $0 != "]" })", "\(page)")
            #expect(lines[1] == "*\(row[2]), \(row[3]).*", "\(page)")
        }
    }

    @Test("of what is packed name each package of the manifest by the one version that it asks for")
    func versions() throws {
        let packed = Set(try Repository.text("packaging/versions").split(separator: "\n"))
        let asked = try Repository.text("Package.swift")
            .matches(of: /\.package\(url: "[^"]*\/([^"\/]+)\.git", ([a-z]+): "([^"]+)"/)
        #expect(asked.count > 10)
        for package in asked {
            #expect(package.2 == "exact", "\(package.1)")
            #expect(packed.contains("\(package.1.lowercased()) \(package.3)"), "\(package.1)")
        }
    }

    @Test(
        "of what is installed name this release",
        arguments: ["docs/install.md", "deploy/compose/compose.yaml", "deploy/kubernetes/everyline.yaml"])
    func release(page: String) throws {
        let code = try Repository.text("Sources/Everyline/Wire/ReleaseVersion.swift")
        let release = try #require(code.firstMatch(of: /current = "([^"]+)"/)).1
        let named = try Repository.text(page).matches(of: /everyline[a-z-]*[-_:](\d+\.\d+\.\d+)/)
        #expect(!named.isEmpty)
        for name in named { #expect(name.1 == release, "\(page): \(name.0)") }
    }

    @Test("of the settings are those that serve takes")
    func settings() throws {
        let code = try Repository.text("Sources/EverylineCLI/Serve/ServeSetting.swift")
        let list = try #require(code.firstMatch(of: /enum ServeSetting[^{]*\{(.+?)\n\n/.dotMatchesNewlines())).1
        let names = Set(
            list.matches(of: /case ([a-z, ]+)\n|case [A-Za-z]+ = "([a-z-]+)"/).flatMap { found in
                (found.2 ?? found.1 ?? "").split(separator: ", ").map(String.init)
            })
        let rows = try Repository.rows("docs/operations.md")
        let head = try #require(rows.firstIndex { $0[0] == "setting" })
        let told = Set(
            rows[(head + 1)...].prefix { $0.count == 2 && $0[0].hasPrefix("`") && !$0[0].contains("_") }
                .flatMap { Repository.code($0[0]) })
        #expect(told == names)
    }

    @Test(
        "name types, tests and folders that are where they say",
        arguments: ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/limits.md", "docs/reliability.md"])
    func names(page: String) throws {
        let declared = try declarations()
        let files = Set(Repository.files("Tests", "").map { String($0.split(separator: "/").last ?? "") })
        for word in Repository.code(try Repository.text(page)) {
            if word.hasSuffix(".py") || word.hasSuffix(".c") {
                #expect(files.contains(String(word.split(separator: "/").last ?? "")), "\(page): \(word)")
            } else if let found = word.wholeMatch(of: /([A-Za-z]+)((?:\/[A-Za-z]+)+)/) {
                #expect(
                    Repository.exists(word) || Repository.exists("Sources/\(word)")
                        || Repository.exists("Sources/\(word).swift")
                        || Repository.exists("Tests/\(word)")
                        || declares(String(found.2), declared, under: "Sources/\(found.1)/"),
                    "\(page): \(word)")
            } else if let type = word.wholeMatch(of: /([A-Z][a-z]+[A-Z][A-Za-z]+)(?:\.[A-Za-z.]+)?/)?.1,
                !Self.foreign.contains(String(type))
            {
                #expect(
                    declared[String(type)] != nil || Repository.exists("Sources/\(type)")
                        || Repository.exists("Tests/\(type)"),
                    "\(page): \(type)")
            }
        }
    }

    @Test("of words name a type for each, which there is")
    func glossary() throws {
        let declared = try declarations()
        let rows = try Repository.rows("docs/glossary.md").dropFirst()
        #expect(rows.count > 25)
        for row in rows {
            let types = Repository.code(row.last ?? "")
            #expect(row.count == 3 && types.count == 1, "\(row[0])")
            for type in types {
                let isOurs = declared[type]?.contains { $0.hasPrefix("Sources/") } == true
                #expect(isOurs, "\(row[0]): there is no \(type)")
            }
        }
    }

    @Test("stay short: the map, and what a newcomer reads first")
    func lengths() throws {
        #expect(
            try Repository.text("ARCHITECTURE.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 121
        )
        #expect(try Repository.text("README.md").utf8.count <= 10_500)
    }

    /// What a page names that isn't ours.
    private static let foreign: Set = ["PostCommand"]

    /// Each type that is declared, with the files that do so.
    private func declarations() throws -> [String: [String]] {
        var declared: [String: [String]] = [:]
        for (path, text) in Repository.sources {
            for found in text.matches(of: /\b(?:struct|class|enum|actor|protocol|typealias) ([A-Z][A-Za-z]+)/) {
                declared[String(found.1), default: []].append(path)
            }
        }
        // A contract's suite is named by its file.
        for path in Repository.sources.keys {
            let name = path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
            declared[String(name), default: []].append(path)
        }
        return declared
    }

    /// Whether the last part of `path` is a type that is declared below `folder`.
    private func declares(_ path: String, _ declared: [String: [String]], under folder: String) -> Bool {
        guard let type = path.split(separator: "/").last else { return false }
        return declared[String(type)]?.contains { $0.hasPrefix(folder) } == true
    }
}
