import Everyline

/// Ranges of lines' numbers as one text, so that a condition can compare them: `5-9 12-12`.
enum LineRanges {
    static func text(_ ranges: [ClosedRange<UInt64>]) -> String {
        ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: " ")
    }

    /// - Returns: `nil` for what is no such text.
    static func ranges(_ text: String) -> [ClosedRange<UInt64>]? {
        var ranges: [ClosedRange<UInt64>] = []
        for part in text.split(separator: " ") {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            guard bounds.count == 2, let lower = bounds[0], let upper = bounds[1], 0 < lower, lower <= upper,
                upper <= SourceEvent.largestNumber
            else { return nil }
            ranges.append(lower...upper)
        }
        return ranges
    }
}
