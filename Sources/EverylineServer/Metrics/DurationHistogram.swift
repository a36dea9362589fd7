import Synchronization

/// How often something took how long, in the buckets of Prometheus' text format.
///
/// Counts are relaxed: a page that is read meanwhile may hold the last observation in one bucket and not yet in the
/// sum.
final class DurationHistogram: Sendable {
    private final class Counter: Sendable { let value = Atomic<UInt64>(0) }

    /// Upper bounds in seconds; what is longer counts under `+Inf` only.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

    private let buckets = (0...DurationHistogram.bounds.count).map { _ in Counter() }
    private let microseconds = Atomic<UInt64>(0)

    func observe(_ time: Duration) {
        let seconds = time / .seconds(1)
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        buckets[bucket].value.wrappingAdd(1, ordering: .relaxed)
        microseconds.wrappingAdd(UInt64(max(0, seconds) * 1_000_000), ordering: .relaxed)
    }

    /// The histogram's lines.
    func page(_ name: String, _ help: String) -> String {
        var page = "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
        var count: UInt64 = 0
        for (index, bucket) in buckets.enumerated() {
            count += bucket.value.load(ordering: .relaxed)
            let bound = index < Self.bounds.count ? "\(Self.bounds[index])" : "+Inf"
            page += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        let sum = Double(microseconds.load(ordering: .relaxed)) / 1_000_000
        return page + "\(name)_sum \(sum)\n\(name)_count \(count)\n"
    }
}
