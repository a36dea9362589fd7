import Everyline
import Testing

@testable import EverylineAWS

@Suite("A signature's date")
struct SigningDateTests {
    @Test(
        "is the calendar's",
        arguments: [
            (0, "19700101T000000Z"), (951_782_399, "20000228T235959Z"), (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"), (1_440_938_160, "20150830T123600Z"),
            (1_709_164_800, "20240229T000000Z"), (1_767_225_599, "20251231T235959Z"),
            (4_107_542_400, "21000301T000000Z"), (253_402_300_799, "99991231T235959Z"),
        ] as [(Int64, String)])
    func calendar(seconds: Int64, text: String) {
        #expect(SigningDate(Timestamp(milliseconds: seconds * 1000)).full == text)
        #expect(SigningDate(Timestamp(milliseconds: seconds * 1000 + 999)).full == text)
    }
}
