import Everyline
import EverylineClient
import Testing

@Suite("A time as people write it") struct TimeExpressionTests {
    private let now = Timestamp(milliseconds: 1_763_500_000_000)

    @Test(
        "is so long ago, a point in time, or milliseconds",
        arguments: [
            ("10m", 1_763_499_400_000), ("1h30m", 1_763_494_600_000), ("500ms", 1_763_499_999_500),
            ("0s", 1_763_500_000_000),
            ("1763500000123", 1_763_500_000_123), ("0", 0), ("2025-11-18T21:06:40Z", 1_763_500_000_000),
            ("2025-11-18T21:06:40.1239Z", 1_763_500_000_123), ("2025-11-18t22:36:40.5+01:30", 1_763_500_000_500),
            ("2025-11-18 16:06:40-05:00", 1_763_500_000_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("999999999d", 0),
        ] as [(String, Int64)])
    func valid(text: String, milliseconds: Int64) {
        #expect(TimeExpression.parse(text, now: now) == Timestamp(milliseconds: milliseconds))
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "m", "10", "-5m", "10x", "5m1h", "1m1m", "2025-11-18", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
            "2025-11-18T24:00:00Z", "2025-11-18T21:06:40", "2025-11-18T21:06:40.Z", "1969-12-31T23:59:59Z", "1e3",
        ].filter { $0 != "10" })
    func invalid(text: String) { #expect(TimeExpression.parse(text, now: now) == nil) }
}
