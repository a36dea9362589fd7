/// What the notice `lines_lost` of a ledger says: these lines, by their numbers, are missing in its place.
package struct LostLines: Sendable, Equatable {
    package let numbers: ClosedRange<UInt64>

    package init(_ numbers: ClosedRange<UInt64>) { self.numbers = numbers }

    /// Reads the notice's text; `nil` for any other.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count > 2, let first = UInt64(words[1]) else { return nil }
        let last = words[0] == "Line" ? first : words.count > 4 && words[2] == "to" ? UInt64(words[3]) : nil
        guard let last, first <= last else { return nil }
        self.init(first...last)
        guard self.text == text else { return nil }
    }

    package var text: String {
        let (first, last) = (numbers.lowerBound, numbers.upperBound)
        let what = first == last ? "Line \(first) is" : "Lines \(first) to \(last) are"
        return "\(what) missing: the platform's log has lost what was written."
    }
}

/// What the notice `late_line` of a ledger says: this line has come after it was given up.
package struct LateLine: Sendable, Equatable {
    package let number: UInt64
    package let line: String

    package init(_ number: UInt64, _ line: String) { (self.number, self.line) = (number, line) }

    /// Reads the notice's text; `nil` for any other.
    package init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let number = UInt64(words[0]) else { return nil }
        self.init(number, String(words[1]))
    }

    package var text: String { "\(number) \(line)" }
}
