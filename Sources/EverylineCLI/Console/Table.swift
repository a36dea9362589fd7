/// Rows of words in columns that are as wide as they have to be.
struct Table {
    private var rows: [[String]]

    init(_ header: String...) { rows = [header] }

    mutating func add(_ row: String...) { rows.append(row) }

    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, word) in row.enumerated() {
                line += word
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - word.count + 2) }
            }
            return line
        }
    }
}

/// A command as one would type it: words with anything special are quoted, and nothing in it can steer a terminal.
func shellWords(_ command: [String]) -> String {
    command.map { word in
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { plainBytes.contains($0) }
        if isPlain { return word }
        if word.unicodeScalars.allSatisfy({ !isControl($0) }) {
            return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
        }
        let escaped = word.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "'": #"\'"#
            case "\\": #"\\"#
            case "\n": #"\n"#
            case "\t": #"\t"#
            default: isControl(scalar) ? #"\u"# + hexadecimal(scalar.value) : String(scalar)
            }
        }
        return "$'" + escaped.joined() + "'"
    }.joined(separator: " ")
}

private let plainBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%".utf8)

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // Also what reorders the text around it.
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}

private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
