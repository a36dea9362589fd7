/// Holds the offsets that come against c+1, c+2, …, and counts what is wrong. It doesn't stop at the first fault.
struct OrderCheck: Sendable, Equatable {
    /// The highest offset that came.
    private(set) var last: UInt64 = 0
    /// What came again.
    private(set) var duplicates = 0
    /// What came behind a later one.
    private(set) var reordered = 0
    /// What a later one came in the place of, since the last beginning.
    private var skipped = RangeSet<UInt64>()
    /// The same of earlier beginnings.
    private var lost = RangeSet<UInt64>()

    /// Every offset that was passed over and did not come behind.
    var missing: RangeSet<UInt64> { skipped.union(lost) }

    /// From now on what follows `offset` must come.
    mutating func begin(after offset: UInt64) {
        if !skipped.isEmpty { lost.formUnion(skipped) }
        skipped = RangeSet()
        last = offset
    }

    @inline(__always)
    mutating func take(_ offset: UInt64) {
        if offset == last &+ 1 {
            last = offset
        } else {
            takeUnexpected(offset)
        }
    }

    private mutating func takeUnexpected(_ offset: UInt64) {
        if offset > last {
            skipped.insert(contentsOf: last + 1..<offset)
            last = offset
        } else if skipped.contains(offset) {
            skipped.remove(contentsOf: offset..<offset + 1)
            reordered += 1
        } else {
            duplicates += 1
        }
    }
}

extension RangeSet<UInt64> {
    /// How many there are.
    var total: UInt64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }
}
