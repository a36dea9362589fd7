import NIOCore
import Testing

@testable import EverylineWebSocket

@Suite("A stall watch")
struct StallWatchTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("begins when bytes wait, and ends when none do")
    func idle() {
        var watch = StallWatch(timeout: .seconds(60))
        watch.wrote(100)
        let begun = [
            watch.begin(unsent: 0, now: start), watch.begin(unsent: 10, now: start),
            watch.begin(unsent: 10, now: start),
        ]
        #expect(begun == [false, true, false])
        let verdict = watch.check(unsent: 0, now: start + .seconds(15))
        #expect(verdict == .idle)
        let again = watch.begin(unsent: 1, now: start + .seconds(100))
        #expect(again)
    }

    @Test("takes bytes that went for progress, and bytes that we add for none")
    func progress() {
        var watch = StallWatch(timeout: .seconds(60))
        watch.wrote(1000)
        _ = watch.begin(unsent: 500, now: start)
        var verdicts: [StallWatch.Verdict] = []
        verdicts.append(watch.check(unsent: 499, now: start + .seconds(59)))
        watch.wrote(50)
        verdicts.append(watch.check(unsent: 549, now: start + .seconds(118)))
        watch.wrote(50)
        verdicts.append(watch.check(unsent: 599, now: start + .seconds(119)))
        #expect(verdicts == [.progressing, .progressing, .stalled])
    }
}
