import Testing

@testable import EverylineWebSocket

@Suite("A UTF-8 validator")
struct UTF8ValidatorTests {
    @Test("agrees with the standard library, however the text is cut")
    func agrees() {
        var generator = SplitMix(state: 1)
        let pieces: [[UInt8]] = [
            Array("plain ASCII that is longer than thirty-two bytes, so that it goes fast".utf8), [0x41], [0xC3, 0xBC],
            [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x98, 0x80], [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE0, 0x9F, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5], [0xFF], [0xE2, 0x82], [0xF0, 0x9F], [0xEF, 0xBF, 0xBF], [0x00],
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...4, using: &generator)).flatMap { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            var validator = UTF8Validator()
            let isAccepted = [bytes[..<cut], bytes[cut...]].allSatisfy { part in
                Array(part).withUnsafeBytes { validator.accept($0) }
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect((isAccepted && validator.isComplete) == isValid, "\(bytes) cut at \(cut)")
        }
    }

    @Test(
        "fails at the first byte that can't be right",
        arguments: [[0xED, 0xA0], [0xF4, 0x90], [0xC0], [0xE0, 0x80], [0x80], [0xF8]] as [[UInt8]])
    func failsFast(bytes: [UInt8]) {
        var validator = UTF8Validator()
        #expect(!bytes.withUnsafeBytes { validator.accept($0) })
    }
}

/// A seeded generator, so that a failure comes again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
