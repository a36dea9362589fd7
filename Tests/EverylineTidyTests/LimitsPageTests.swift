import Foundation
import Testing

@Suite("The page of limits")
struct LimitsPageTests {
    @Test("says the figure that stands in the code")
    func figures() throws {
        var checked = 0
        for row in try Repository.rows("docs/limits.md") where row[0] != "what" {
            let place = try #require(row.last.flatMap { Repository.code($0).first }, "\(row[0]) has no place")
            let value = try #require(Self.value(of: place), "\(place) was not found")
            #expect(Self.parse(row[1]) == value, "\(row[0]): the page says \(row[1]), \(place) is \(value)")
            checked += 1
        }
        #expect(checked > 40)
    }

    @Test("has each limit that serve can be told, with the place that its setting sets")
    func options() throws {
        let rows = try Repository.rows("docs/limits.md").filter { $0.count == 5 && $0[2].contains("--") }
        let page = Dictionary(uniqueKeysWithValues: rows.map { (Repository.code($0[2]).joined(), $0[4]) })
        let table = try Repository.text("Sources/EverylineCLI/Serve/ServeSetting.swift")
        let names = Dictionary(
            uniqueKeysWithValues: table.matches(of: /case ([A-Za-z]+) = "([a-z-]+)"/).map { ($0.1, $0.2) })
        let limits = table.matches(of: /case \.([A-Za-z]+): \.[A-Za-z]+\(\\[A-Za-z.]*\.([A-Za-z]+)\)/)
        for limit in limits {
            let place = try #require(page["--\(names[limit.1] ?? limit.1)"], "--\(limit.1) is not on the page")
            #expect(Repository.code(place).first?.hasSuffix(".\(limit.2)") == true, "\(limit.1) sets \(limit.2)")
        }
        // The limit of a log is the store's.
        #expect(limits.count + 1 == page.count)
    }

    /// The value of `Type.name` as it is declared: a constant, a default, or a default argument.
    private static func value(of place: String) -> Double? {
        let parts = place.split(separator: ".").map(String.init)
        guard parts.count == 2 else { return nil }
        let name = parts[1]
        let figure = #"(\.[a-z]+\([0-9 *+_]+\)|[1-9][0-9_]*(?: \* [0-9_]+)*|LineCutter\.defaultLimit)"#
        let declared = [
            #"\b(?:let|var) \#(name)(?:: [A-Za-z<>?]+)? = "#, #"[(,\n] *\#(name): [A-Za-z]+\?? = "#,
            #"limits\.\#(name) = "#, #"\(\#(name): "#,
        ].compactMap { try? Regex($0 + figure) }
        let kinds = ["struct", "class", "enum", "actor", "extension"]
        for (path, text) in Repository.sources.sorted(by: { $0.key < $1.key })
        where path.hasPrefix("Sources/") && kinds.contains(where: { text.contains("\($0) \(parts[0])") }) {
            for pattern in declared {
                guard let figure = text.firstMatch(of: pattern)?.output[1].substring else { continue }
                return figure == "LineCutter.defaultLimit" ? value(of: String(figure)) : evaluate(String(figure))
            }
        }
        return nil
    }

    private static let units: [String: Double] = [
        "kibibytes": 1024, "mebibytes": 1_048_576, "gibibytes": 1_073_741_824, "seconds": 1, "milliseconds": 0.001,
        "microseconds": 0.000_001, "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "d": 86_400, "h": 3600,
        "min": 60,
        "s": 1, "ms": 0.001, "µs": 0.000_001, "": 1,
    ]

    /// `.seconds(24 * 60)`, `64 * 1024`, `1_000`.
    private static func evaluate(_ expression: String) -> Double? {
        let call = expression.firstMatch(of: /\.([a-z]+)\(([^)]*)\)/)
        guard let unit = call.map({ units[String($0.1)] }) ?? 1 else { return nil }
        let terms = (call?.2 ?? Substring(expression)).replacing("_", with: "").split(separator: "+")
        let products = terms.map { term in
            term.split(separator: "*").compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }.reduce(1, *)
        }
        return products.reduce(0, +) * unit
    }

    /// `256 KiB`, `7 d`, `20,000`; and as a help says it, `256KiB`.
    private static func parse(_ figure: String) -> Double? {
        guard let found = figure.replacing(",", with: "").firstMatch(of: /^([0-9]+) ?([A-Za-zµ]*)/),
            let number = Double(found.1)
        else { return nil }
        return units[found.2.lowercased()].map { number * $0 }
    }
}
