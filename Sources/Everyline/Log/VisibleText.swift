extension Unicode.Scalar {
    /// Whether a terminal obeys it, or reorders or hides the text around it, instead of showing it.
    package var steersTerminals: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension String {
    /// The text with everything that could steer a terminal, forge a line or reorder its neighbours written as JSON
    /// writes it: `\n`, `\u001b`. JSON stays the same JSON.
    ///
    /// - Parameter keepingNewlines: for text of several lines that are our own.
    package func visible(keepingNewlines: Bool = false) -> String {
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) || (keepingNewlines && $0 == 0x0A) }) { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n" where keepingNewlines: result.unicodeScalars.append(scalar)
            case "\n": result += #"\n"#
            case "\r": result += #"\r"#
            case "\t": result += #"\t"#
            case _ where scalar.steersTerminals:
                for unit in String(scalar).utf16 { result += #"\u"# + unit.fourDigits }
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension UInt16 {
    fileprivate var fourDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
