import Testing

@testable import EverylineCanary

@Suite("A latency histogram") struct LatencyHistogramTests {
    @Test("says a quantile within a 64th", arguments: [1, 63, 64, 127, 128, 1000, 123_456, 60_000_000])
    func precision(value: UInt64) throws {
        var histogram = LatencyHistogram()
        histogram.add(value)
        histogram.add(value * 10)
        let median = try #require(histogram.quantile(0.5))
        #expect(median >= value && median <= value + value / 64)
        #expect(histogram.quantile(1) == value * 10 && histogram.maximum == value * 10)
    }

    @Test("counts what was added in parts as if it had been added at once")
    func parts() {
        var whole = LatencyHistogram()
        var parts = [LatencyHistogram](repeating: LatencyHistogram(), count: 3)
        for value in 1...3000 as ClosedRange<UInt64> {
            whole.add(value)
            parts[Int(value % 3)].add(value)
        }
        var sum = LatencyHistogram()
        for part in parts { sum.add(part) }
        for share in [0.01, 0.5, 0.99, 1] { #expect(sum.quantile(share) == whole.quantile(share)) }
    }

    @Test("of nothing has no quantiles, and what is longer than a day is counted all the same")
    func edges() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        histogram.add(.max)
        #expect(histogram.quantile(0.5) != nil && histogram.maximum == .max)
    }
}
