/// Counts latencies in buckets of at most 1/64 of their size.
struct LatencyHistogram: Sendable {
    private static let bits = 6
    /// Up to 2^36 µs, 19 hours; what is longer counts as that.
    private static let largest: UInt64 = 1 << 36 - 1

    private var counts = [UInt64](repeating: 0, count: index(of: largest) + 1)
    private var total: UInt64 = 0
    /// In microseconds.
    private(set) var maximum: UInt64 = 0

    mutating func add(_ microseconds: UInt64, times: UInt64 = 1) {
        counts[Self.index(of: min(microseconds, Self.largest))] += times
        total += times
        maximum = max(maximum, microseconds)
    }

    mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
        maximum = max(maximum, other.maximum)
    }

    /// In microseconds: no more than this share of all (from 0 to 1) took longer than that; `nil` if there are none.
    func quantile(_ share: Double) -> UInt64? {
        guard total > 0 else { return nil }
        let rank = max(1, UInt64((Double(total) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return min(Self.upperBound(of: index), maximum) }
        }
        return maximum
    }

    /// Small values have a bucket each; above them each doubling has 64.
    private static func index(of value: UInt64) -> Int {
        let shift = max(0, UInt64.bitWidth - value.leadingZeroBitCount - bits - 1)
        return shift << bits + Int(value >> UInt64(shift))
    }

    private static func upperBound(of index: Int) -> UInt64 {
        let shift = max(0, index >> bits - 1)
        return (UInt64(index - shift << bits) + 1) << UInt64(shift) - 1
    }
}
