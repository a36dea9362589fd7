import Everyline
import Testing

@Suite("An offset")
struct OffsetTests {
    @Test("is read from decimal digits", arguments: [("0", 0), ("41", 41), ("9223372036854775807", UInt64(Int64.max))])
    func reads(text: String, value: UInt64) {
        #expect(Offset(decimal: text)?.rawValue == value)
    }

    @Test(
        "is not read from anything else",
        arguments: [
            "", "-1", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "18446744073709551616", "١", "1e3",
        ])
    func refuses(text: String) {
        #expect(Offset(decimal: text) == nil)
    }
}
