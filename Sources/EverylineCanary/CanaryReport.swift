/// What a canary found.
package struct CanaryReport: Sendable, Encodable {
    package struct Latency: Sendable, Encodable {
        /// In microseconds.
        package let p50, p95, p99, max: UInt64

        init?(_ histogram: LatencyHistogram) {
            guard let p50 = histogram.quantile(0.5), let p95 = histogram.quantile(0.95),
                let p99 = histogram.quantile(0.99)
            else { return nil }
            (self.p50, self.p95, self.p99, max) = (p50, p95, p99, histogram.maximum)
        }

        enum CodingKeys: String, CodingKey {
            case p50 = "p50_us"
            case p95 = "p95_us"
            case p99 = "p99_us"
            case max = "max_us"
        }
    }

    package let execution: String
    package let seed: UInt64
    package let lines: UInt64
    package let viewers: Int
    package let stalled: Int
    package let cuts: Int
    package let reconnections: Int
    /// Lines that a viewer never got, or that the server left out on a connection.
    package let missing: UInt64
    package let duplicate: Int
    package let reordered: Int
    /// Lines that aren't what was written.
    package let corrupted: Int
    /// From when a line was due to its writer to when the application had it, without the viewers that stalled.
    package let latency: Latency?
    package let seconds: Double
    package let stopped: Bool
    /// Why viewers gave up, of the first few.
    package let failures: [String]

    init(
        of execution: String, settings: CanarySettings, stats: [DeliveryStats.Counts], written: UInt64, seconds: Double,
        stopped: Bool
    ) {
        self.execution = execution
        self.seconds = seconds
        self.stopped = stopped
        seed = settings.seed
        lines = written
        viewers = settings.viewers
        stalled = settings.stalled
        cuts = stats.reduce(0) { $0 + $1.cuts }
        reconnections = stats.reduce(0) { $0 + $1.reconnections }
        missing = stats.reduce(0) { $0 + $1.missing(of: written).total }
        duplicate = stats.reduce(0) { $0 + $1.sent.duplicates + $1.seen.duplicates }
        reordered = stats.reduce(0) { $0 + $1.sent.reordered + $1.seen.reordered }
        corrupted = stats.reduce(0) { $0 + $1.corrupted(of: written) }
        latency = Latency(
            stats.prefix(settings.viewers - settings.stalled).reduce(into: LatencyHistogram()) {
                $0.add($1.latency)
            })
        failures = Array(stats.compactMap(\.failure).prefix(5))
    }

    /// Whether every viewer got every line, once and in order, and the server sent nothing else.
    package var isSound: Bool {
        missing == 0 && duplicate == 0 && reordered == 0 && corrupted == 0 && failures.isEmpty
    }

    /// The one line that says it all.
    package var text: String {
        var text =
            "\(lines) lines, \(viewers) viewers, \(reconnections) reconnections: \(missing) missing, \(duplicate) duplicate, "
            + "\(reordered) reordered, \(corrupted) corrupted"
        if let latency {
            text +=
                "; latency p50 \(milliseconds(latency.p50)), p95 \(milliseconds(latency.p95)), "
                + "p99 \(milliseconds(latency.p99)), max \(milliseconds(latency.max))"
        }
        return text + (stopped ? "; stopped early" : "")
    }

    private func milliseconds(_ microseconds: UInt64) -> String {
        let tenths = (microseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}

extension DeliveryStats.Counts {
    /// What the viewer never got, and what a connection left out, though it came later over another.
    func missing(of written: UInt64) -> RangeSet<UInt64> {
        var missing = sent.missing.union(seen.missing)
        if seen.last < written { missing.insert(contentsOf: seen.last + 1..<written + 1) }
        return missing
    }

    /// An `end` in the place of a line counts too.
    func corrupted(of written: UInt64) -> Int { corrupted + (end.map { $0 <= written } == true ? 1 : 0) }
}
