import Everyline
import NIOCore
import Testing

@testable import EverylineServer

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("An append's answer")
struct AppendResponseTests {
    @Test(
        "is written as the server's encoder writes it",
        arguments: [
            (0, false, nil), (.max, true, Incarnation("0_a-Z")),
        ] as [(UInt64, Bool, Incarnation?)])
    func json(head: UInt64, stopRequested: Bool, incarnation: Incarnation?) throws {
        let execution = try #require(ExecutionID("e-1_Z"))
        let answer = AppendResponse(of: execution, head: head, stopRequested: stopRequested, incarnation: incarnation)
        #expect(Data(answer.json.readableBytesView) == (try JSONEncoder.wire.encode(answer)))
    }

    @Test(
        "has its date as HTTP writes dates",
        arguments: [
            (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_251_199_000, "Thu, 29 Feb 2024 23:59:59 GMT"), (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
        ])
    func date(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).httpText == text)
    }
}
