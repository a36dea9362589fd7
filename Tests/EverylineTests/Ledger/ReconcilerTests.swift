import Everyline
import EverylineTesting
import Testing

@Suite("A reconciler")
struct ReconcilerTests {
    private let fixture: LedgerFixture
    private let stopped = Reconciler.Stopped(Sample.success, at: Timestamp(milliseconds: 2000))
    private let never = Timestamp.maximum

    init() async throws { fixture = try await LedgerFixture() }

    private func lines(_ texts: String...) -> [SourceEvent] { texts.map { .written($0) } }

    private func bring(_ texts: String...) async throws {
        try await fixture.sequencer().sequence(texts.map { .written($0) }, of: fixture.id)
    }

    private func reconcile(
        _ source: InMemoryLogSource, _ request: Reconciler.Request = .init()
    ) async throws -> Reconciler.Outcome {
        try await fixture.reconciler().reconcile(fixture.id, request, from: source, until: never)
    }

    /// Asks until it is done; says how many pauses there were.
    private func finish(_ source: InMemoryLogSource, stopped: Reconciler.Stopped? = nil) async throws -> Int {
        var (request, pauses) = (Reconciler.Request(stopped: stopped), 0)
        while case .again(let next, let afterPause) = try await reconcile(source, request) {
            request = next
            if afterPause { pauses += 1 }
        }
        return pauses
    }

    @Test("appends what the subscription lost, and what is kept behind it; at once, where nothing is lost")
    func hole() async throws {
        let all = lines("1 a", "2 b", "3 c", "4 d", "5 e", "6 f", "7=0")
        try await bring("1 a", "4 d", "6 f", "7=0")
        #expect(try await reconcile(InMemoryLogSource(all)) == .done)
        #expect(try await fixture.texts == ["a", "b", "c", "d", "e", "f", "<end>"])
        #expect(try await fixture.outcome == Sample.success.verified(true))
    }

    @Test("finds a last batch that never came, which nothing else tells of")
    func lastBatch() async throws {
        try await bring("1 a")
        #expect(try await finish(InMemoryLogSource(lines("1 a", "2 b", "3 c"))) == 0)
        #expect(try await fixture.texts == ["a", "b", "c"])
    }

    @Test("names what the platform has lost, in its place, after a second reading")
    func loss() async throws {
        try await bring("1 a", "4 d", "5=0")
        let source = InMemoryLogSource(lines("1 a", "4 d", "5=0"))
        let first = try await reconcile(source)
        #expect(first == .again(.init(seen: .init(next: 2, parked: [4...5])), afterPause: true))
        #expect(try await fixture.texts == ["a"])
        #expect(try await finish(source) == 1)
        let texts = try await fixture.texts
        #expect(texts.count == 4 && texts[1].hasPrefix("<lines_lost: Lines 2 to 3 are missing"))
        #expect(Array(texts.suffix(2)) == ["d", "<end>"])
        #expect(try await fixture.outcome == Sample.success.verified(false))
    }

    @Test("gives nothing up when anything has come between two readings")
    func moved() async throws {
        try await bring("3 c")
        let source = InMemoryLogSource([])
        let request = try #require(try await reconcile(source).request)
        try await bring("5 e")
        let next = try #require(try await reconcile(source, request).request)
        #expect(next.seen == .init(next: 1, parked: [3...3, 5...5]))
        #expect(try await fixture.texts.isEmpty)
    }

    @Test("takes what the source shows only at the second reading")
    func late() async throws {
        try await bring("1 a", "3 c")
        let source = InMemoryLogSource(lines("1 a", "3 c"), pageSize: 10)
        source.show(late: [lines("2 b")])
        #expect(try await finish(source) == 1)
        #expect(try await fixture.texts == ["a", "b", "c"])
    }

    @Test("ends a log whose script was killed, with the platform's word, behind all that it wrote")
    func killed() async throws {
        let lost = ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
        let source = InMemoryLogSource(lines("1 a", "2 b", "3 c"))
        let stopped = Reconciler.Stopped(lost, at: Timestamp(milliseconds: 2000))
        #expect(try await finish(source, stopped: stopped) == 1)
        #expect(try await fixture.texts == ["a", "b", "c", "<end>"])
        #expect(try await fixture.outcome == lost.verified(false))
    }

    @Test("takes the platform's reason where no stop was requested, and says that the log is whole")
    func stoppedElsewhere() async throws {
        let all = lines("1 a", "2=143 stopped")
        try await fixture.sequencer().sequence(all, of: fixture.id)
        #expect(try await finish(InMemoryLogSource(all)) == 0)
        #expect(try await fixture.outcome == nil)
        let spot = ExecutionOutcome(status: .failed, exitCode: 143)
        let stopped = Reconciler.Stopped(spot, at: Timestamp(milliseconds: 2000))
        #expect(try await finish(InMemoryLogSource(all), stopped: stopped) == 0)
        #expect(try await fixture.outcome == spot.verified(true))
    }

    @Test("ends no log that is appended to meanwhile")
    func raceWithEnd() async throws {
        let (once, fixture) = (Once(), fixture)
        let staged = StagedLedger(stores: fixture.stores) { change in
            guard change.outcome != nil, once.take() else { return }
            try await fixture.sequencer().sequence([.written("1 a"), .written("2=3")], of: fixture.id)
        }
        let seen = Reconciler.Seen(next: 1, parked: [])
        let outcome = try await fixture.reconciler(over: staged).reconcile(
            fixture.id, .init(stopped: stopped, seen: seen), from: InMemoryLogSource([]), until: never)
        #expect(outcome == .done)
        #expect(try await fixture.texts == ["a", "<end>"])
        #expect(try await fixture.outcome?.exitCode == 3)
    }

    @Test("ends a full log at once, without reading it")
    func full() async throws {
        let small = LedgerLimits(log: 40)
        try await fixture.sequencer(limits: small).sequence(lines("1 a", "2 b", "3 c"), of: fixture.id)
        let source = InMemoryLogSource(lines("1 a", "2 b", "3 c"))
        #expect(try await finish(source) == 0)
        #expect(try await finish(source, stopped: stopped) == 0)
        #expect(source.pages == 0)
        #expect(try await fixture.outcome == Sample.success.verified(false))
    }

    @Test("reads each page once but for the last ones, however long the log is", arguments: [100, 1000, 10_000])
    func cost(count: Int) async throws {
        // A line a second, pages of ten: a minute back are six of them.
        let all = (1...count).map { SourceEvent.written("\($0) x", at: Int64($0) * 1000) }
        let source = InMemoryLogSource(all, pageSize: 10)
        let limits = LedgerLimits(block: 600)
        var request = Reconciler.Request(stopped: stopped)
        while case .again(let next, _) = try await fixture.reconciler(limits: limits).reconcile(
            fixture.id, request, from: source, until: never)
        { request = next }
        #expect(try await fixture.head.next == UInt64(count) + 1)
        #expect(source.pages <= count / 10 + 3 * 8)
    }

    @Test("reads no further behind a hole than where the missing lines can be")
    func window() async throws {
        let all = (1...5000).filter { $0 != 7 }.map { SourceEvent.written("\($0) x", at: Int64($0) * 1000) }
        try await fixture.sequencer().sequence(Array(all.prefix(20)), of: fixture.id)
        let source = InMemoryLogSource(all, pageSize: 10)
        #expect(try await reconcile(source).request != nil)
        #expect(source.pages <= 9)
    }

    @Test("gives way in time, and goes on from where it was")
    func deadline() async throws {
        let source = InMemoryLogSource(lines("1 a", "2 b"))
        let early = Timestamp(milliseconds: 9000) + .seconds(15)
        let outcome = try await fixture.reconciler().reconcile(
            fixture.id, .init(stopped: stopped), from: source, until: early)
        #expect(outcome == .again(.init(stopped: stopped), afterPause: false))
        #expect(source.pages == 0)
    }

    @Test("notifies all viewers at the end, also when it finds that it was there")
    func notify() async throws {
        try await fixture.connections.connect(ConnectionID("c"), Sample.connection())
        for _ in 1...2 {
            _ = try await finish(InMemoryLogSource(lines("1=0")), stopped: stopped)
            #expect(fixture.notifier.take().map(\.id.rawValue).last == "c")
        }
        #expect(try await fixture.texts == ["<end>"])
    }
}

extension Reconciler.Outcome {
    /// What goes on from here, unless it is done.
    fileprivate var request: Reconciler.Request? { if case .again(let request, _) = self { request } else { nil } }
}
