import Testing

@Suite("The sizes")
struct SizesTests {
    /// A text can't always be broken where a line should end.
    private static func isCode(_ line: Substring) -> Bool { !line.contains("\"") }

    @Test("of lines, of files and of functions are what a reader can take in", arguments: ["Sources", "Tests"])
    func sizes(folder: String) {
        for (path, text) in Repository.sources where path.hasPrefix(folder + "/") {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 360, "\(path) has \(lines.count) lines")
            var isText = false
            for (number, line) in lines.enumerated() {
                if line.contains(#"""""#), line.ranges(of: #"""""#).count == 1 { isText.toggle() }
                guard !isText, line.count > 120, Self.isCode(line) else { continue }
                Issue.record("\(path):\(number + 1) is longer than 120 characters")
            }
            for (name, length) in Self.functions(lines) where length > 50 {
                Issue.record("\(path): \(name) has \(length) lines")
            }
        }
    }

    /// The functions of a file, and how many lines each has within its braces.
    private static func functions(_ lines: [Substring]) -> [(name: Substring, length: Int)] {
        var found: [(Substring, Int)] = []
        for (start, line) in lines.enumerated() {
            guard let function = line.firstMatch(of: /^( *)(?:[a-z@][A-Za-z()]* )*(?:func (\S+?)|init\??)[(<]/) else {
                continue
            }
            let end = function.1 + "}"
            let body = lines[start...].prefix { !$0.hasPrefix(end) }
            guard body.endIndex < lines.endIndex,
                let opened = body.firstIndex(where: { $0.hasSuffix("{") || $0.hasSuffix("}") }),
                body[opened].hasSuffix("{"), opened - start < 12
            else { continue }
            found.append((function.2 ?? "init", body.endIndex - opened - 1))
        }
        return found
    }
}
