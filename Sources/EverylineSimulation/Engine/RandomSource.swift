import Everyline

/// All chance of one run: the same seed gives the same numbers, and so the same run.
struct RandomSource: RandomNumberGenerator {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        // Neighbouring seeds must not give neighbouring runs.
        generator = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 0x2545_F491_4F6C_DD1D)
        _ = next()
        _ = next()
    }

    mutating func next() -> UInt64 { generator.next() }

    /// A number from 0 up to, but without, `bound`.
    mutating func below(_ bound: Int) -> Int {
        Int(((next() >> 32) &* UInt64(bound)) >> 32)
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True in `perMille` of a thousand cases.
    mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }
}
