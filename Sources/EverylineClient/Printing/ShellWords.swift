import Everyline

/// A command as one would type it: a shell reads the same words, and nothing in them can steer a terminal.
///
/// - Parameter limit: about how many bytes are written of a longer command, which is cut at a word or within one and
///   marked with `…`; `nil` for all.
package func shellWords(_ command: [String], limit: Int? = nil) -> String {
    var line = ""
    for word in command {
        if !line.isEmpty { line += " " }
        guard let limit else {
            line += quoted(word)
            continue
        }
        let space = limit - line.utf8.count
        if space < word.utf8.count {
            // What is cut is for the eye alone; the rest of a very long word isn't looked at.
            let part = String(word.unicodeScalars.prefix(max(space, 0)))
            return line + quoted(part) + "…"
        }
        line += quoted(word)
    }
    return line
}

/// Works on scalars: a quotation mark stays one for the shell whatever combines with it.
private func quoted(_ word: String) -> String {
    if !word.isEmpty, word.utf8.allSatisfy({ plainBytes.contains($0) }) { return word }
    var result = ""
    guard word.unicodeScalars.contains(where: \.steersTerminals) else {
        for scalar in word.unicodeScalars {
            if scalar == "'" { result += #"'\''"# } else { result.unicodeScalars.append(scalar) }
        }
        return "'" + result + "'"
    }
    for scalar in word.unicodeScalars {
        switch scalar {
        case "'": result += #"\'"#
        case "\\": result += #"\\"#
        case "\n": result += #"\n"#
        case "\r": result += #"\r"#
        case "\t": result += #"\t"#
        case _ where scalar.steersTerminals:
            // As bytes, which mean the same in every locale; three digits, so that what follows can't become a part.
            for byte in String(scalar).utf8 { result += "\\" + byte.octalDigits }
        default: result.unicodeScalars.append(scalar)
        }
    }
    return "$'" + result + "'"
}

private let plainBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%".utf8)

extension UInt8 {
    fileprivate var octalDigits: String {
        let digits = String(self, radix: 8)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
