import Everyline
import EverylineTesting
import Testing

@Suite("A sequencer")
struct SequencerTests {
    private let fixture: LedgerFixture

    init() async throws { fixture = try await LedgerFixture() }

    private func take(_ lines: String..., limits: LedgerLimits = LedgerLimits()) async throws {
        try await fixture.sequencer(limits: limits).sequence(lines.map { .written($0) }, of: fixture.id)
    }

    @Test("puts lines in the order of their numbers, each once, whatever their order in a batch")
    func order() async throws {
        try await take("2 b", "1 a", "3 c", "2 b", "4 ")
        #expect(try await fixture.texts == ["a", "b", "c", ""])
        #expect(try await fixture.head.next == 5)
        #expect(fixture.repairs.take().isEmpty)
    }

    @Test("drops what the log holds, however late it comes and however it is cut")
    func duplicates() async throws {
        try await take("1 a", "2 b", "3 c")
        let head = try await fixture.head
        try await take("2 b")
        try await take("1 a", "2 b", "3 c")
        #expect(try await fixture.head == head)
        try await take("3 c", "4 d")
        #expect(try await fixture.texts == ["a", "b", "c", "d"])
    }

    @Test("keeps what comes too early, and appends it as soon as what is before it is there")
    func early() async throws {
        try await take("5 e", "6 f", "3 c")
        #expect(try await fixture.texts.isEmpty)
        #expect(try await fixture.head.parked == [3...3, 5...6])
        #expect(fixture.repairs.take() == [1])
        try await take("1 a", "2 b")
        #expect(try await fixture.texts == ["a", "b", "c"])
        try await take("4 d")
        #expect(try await fixture.texts == ["a", "b", "c", "d", "e", "f"])
        #expect(try await fixture.head.parked.isEmpty)
        #expect(try await fixture.stores.parked(5...6, of: fixture.id) == nil)
        #expect(fixture.repairs.take().isEmpty)
    }

    @Test("appends kept lines also where the message that brings it to them brings nothing new")
    func keptAfterCrash() async throws {
        try await take("2 b", "3 c")
        // Another one appended the first line, and died before it looked at what is kept.
        let head = try await fixture.head
        #expect(try await fixture.stores.write(Sample.ledgerChange(["a"], at: head), to: fixture.id, at: .epoch))
        try await take("1 a")
        #expect(try await fixture.texts == ["a", "b", "c"])
    }

    @Test("takes the part of a kept run that the log doesn't hold")
    func overlap() async throws {
        try await take("3 c", "4 d", "5 e")
        try await take("1 a", "2 b", "3 c")
        #expect(try await fixture.texts == ["a", "b", "c", "d", "e"])
        try await take("8 h", "9 i")
        try await take("6 f", "7 g", "8 h", "9 i", "10 j")
        #expect(try await fixture.texts.suffix(4) == ["g", "h", "i", "j"])
        #expect(try await fixture.head.parked.isEmpty)
    }

    @Test("keeps so many runs and no more; what is beyond is asked for")
    func manyEarly() async throws {
        for number in 1...70 { try await take("\(2 * number) x") }
        #expect(try await fixture.head.parked.count == LedgerHead.parkLimit)
        #expect(Set(fixture.repairs.take()) == [1])
    }

    @Test("keeps a large run in parts that fit")
    func largeRun() async throws {
        try await take("2 aaaa", "3 bbbb", "4 cccc", "5 dddd", limits: LedgerLimits(park: 8))
        #expect(try await fixture.head.parked == [2...3, 4...5])
        try await take("1 x")
        #expect(try await fixture.texts == ["x", "aaaa", "bbbb", "cccc", "dddd"])
    }

    @Test(
        "ends the log behind its last line, and says how",
        arguments: [
            ("0", ExecutionOutcome(status: .succeeded, exitCode: 0)),
            ("3", ExecutionOutcome(status: .failed, exitCode: 3)),
            ("124 timed_out", ExecutionOutcome(status: .failed, exitCode: 124, reason: .timedOut)),
        ])
    func end(word: String, outcome: ExecutionOutcome) async throws {
        try await take("3=\(word)", "2 b")
        #expect(try await fixture.outcome == nil)
        try await take("1 a")
        #expect(try await fixture.texts == ["a", "b", "<end>"])
        #expect(try await fixture.outcome == outcome.verified(true))
        #expect(try await fixture.stores.execution(fixture.id).status == outcome.status)
        try await take("3=0", "4 d", "no number")
        #expect(try await fixture.texts == ["a", "b", "<end>"])
    }

    @Test("calls a stop one that was asked for; of another it waits for the platform's word", arguments: [true, false])
    func stopped(isRequested: Bool) async throws {
        if isRequested { _ = try await fixture.stores.requestStop(fixture.id, by: Sample.user("u"), at: .epoch) }
        try await take("2=143 stopped")
        try await take("1 a")
        let stopped = ExecutionOutcome(status: .stopped, exitCode: 143, reason: .stopRequested)
        #expect(try await fixture.outcome == (isRequested ? stopped.verified(true) : nil))
        #expect(try await fixture.texts == (isRequested ? ["a", "<end>"] : ["a"]))
    }

    @Test("makes a notice of what has no number, which counts for nothing")
    func unnumbered() async throws {
        try await take("1 a", "past the script", "2 b")
        try await take("1 a", "past the script", "2 b")
        #expect(try await fixture.texts == ["a", "<unnumbered: past the script>", "b"])
        try await take("alone")
        try await take("3=0")
        #expect(try await fixture.texts.suffix(2) == ["<unnumbered: alone>", "<end>"])
        #expect(try await fixture.outcome?.isVerified == true)
    }

    @Test("holds times that go back, so that a search by time is exact")
    func times() async throws {
        let lines: [SourceEvent] = [.written("1 a", at: 50), .written("2 b", at: 20), .written("3 c", at: 60)]
        try await fixture.sequencer().sequence(lines, of: fixture.id)
        let block = try #require(try await fixture.stores.read(fixture.id, after: .zero, limit: 1000).block)
        #expect(try LogEvent.decode(lines: block.bytes).map(\.timestamp.milliseconds) == [50, 50, 60])
        #expect(try await fixture.head.sourceTime == Timestamp(milliseconds: 60))
    }

    @Test("cuts what is due into blocks, and a long line into parts, the same way each time")
    func limits() async throws {
        let limits = LedgerLimits(block: 150, line: 10)
        try await take("1 " + String(repeating: "x", count: 25), "2+p", "3 q", "4 r", limits: limits)
        #expect(try await fixture.texts == ["xxxxxxxxxx…", "xxxxxxxxxx…", "xxxxx", "p…", "q", "r"])
        try await take("1 " + String(repeating: "x", count: 25), "5 s", limits: limits)
        #expect(try await fixture.texts.last == "s")
        #expect(try await fixture.head.next == 6)
    }

    @Test("says in the log that it is full, once, and takes nothing more but the end")
    func full() async throws {
        let limits = LedgerLimits(log: 40)
        for number in 1...3 { try await take("\(number) line", limits: limits) }
        try await take("9 early", limits: limits)
        #expect(try await fixture.texts.map { $0.prefix(9) } == ["line", "<log_full"])
        #expect(try await fixture.head.parked.isEmpty)
        #expect(fixture.repairs.take().isEmpty)
        try await take("77=0", limits: limits)
        #expect(try await fixture.outcome == Sample.success.verified(false))
    }

    @Test("makes a notice of a line that comes after it was given up, once, and is never whole again")
    func late() async throws {
        try await take("1 a", "5 e")
        var head = try await fixture.head
        (head.next, head.hasLoss, head.lost) = (5, true, [2...4])
        let change = LedgerChange(from: try await fixture.head, to: head)
        #expect(try await fixture.stores.write(change, to: fixture.id, at: .epoch))
        try await take("3 c", "4 d")
        try await take("3 c")
        #expect(try await fixture.texts == ["a", "<late_line: 3 c>", "<late_line: 4 d>", "e"])
        #expect(try await fixture.head.lost == [2...2])
        try await take("6=0")
        #expect(try await fixture.outcome?.isVerified == false)
    }

    @Test("drops no late line in silence, however many ranges of them there are")
    func manyLate() async throws {
        try await take("1 a")
        var head = try await fixture.head
        (head.next, head.hasLoss, head.lost) = (1002, true, [2...1001])
        let change = LedgerChange(from: try await fixture.head, to: head)
        #expect(try await fixture.stores.write(change, to: fixture.id, at: .epoch))
        // Every other one first: each leaves a range more.
        let numbers = Array(stride(from: 2, through: 400, by: 2)) + Array(stride(from: 3, through: 400, by: 2))
        for number in numbers { try await take("\(number) late") }
        #expect(try await fixture.texts.dropFirst() == numbers.map { "<late_line: \($0) late>" }[...])
        #expect(try await fixture.head.lost.count <= LedgerHead.lossLimit)
    }

    @Test("reads again when another writer was first, and doubles nothing")
    func race() async throws {
        let (once, fixture) = (Once(), fixture)
        let staged = StagedLedger(stores: fixture.stores) { _ in
            guard once.take() else { return }
            try await fixture.sequencer().sequence([.written("1 a")], of: fixture.id)
        }
        try await fixture.sequencer(over: staged).sequence([.written("1 a"), .written("2 b")], of: fixture.id)
        #expect(try await fixture.texts == ["a", "b"])
    }

    @Test("keeps nothing that became due while it decided to")
    func raceWithDue() async throws {
        let (once, fixture) = (Once(), fixture)
        let staged = StagedLedger(stores: fixture.stores) { change in
            guard change.parks != nil, once.take() else { return }
            try await fixture.sequencer().sequence([.written("1 a")], of: fixture.id)
        }
        try await fixture.sequencer(over: staged).sequence([.written("2 b")], of: fixture.id)
        #expect(try await fixture.texts == ["a", "b"])
        #expect(try await fixture.head.parked.isEmpty)
    }

    @Test("goes back to its queue when the head never holds still")
    func restless() async throws {
        let fixture = fixture
        let staged = StagedLedger(stores: fixture.stores) { change in
            guard let block = change.block else { return }
            let number = block.first.rawValue
            try await fixture.sequencer().sequence([.written("\(number) x")], of: fixture.id)
        }
        await #expect(throws: LogStoreError.self) {
            try await fixture.sequencer(over: staged).sequence(
                (1...40).map { .written("\($0) x") }, of: fixture.id)
        }
    }

    @Test("notifies every viewer after the append, and also where it has added nothing")
    func notify() async throws {
        for name in ["a", "b"] { try await fixture.connections.connect(ConnectionID(name), Sample.connection()) }
        try await fixture.connections.connect(ConnectionID("other"), Sample.connection(of: "other"))
        for _ in 1...2 {
            try await take("1 a")
            #expect(Set(fixture.notifier.take().map(\.id.rawValue)) == ["a", "b"])
        }
    }
}
