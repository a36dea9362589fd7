import Everyline
import EverylineTesting
import Testing

@Suite("A sequencer")
struct SequencerTests {
    private let id = Sample.id("e")
    private let stores: InMemoryStores
    private let connections = InMemoryConnections()
    private let doorbell = InMemoryDoorbell()

    init() async throws {
        stores = try await InMemoryStores.holding(id, [])
    }

    private func worker(_ limits: SequencerLimits = SequencerLimits()) -> SequencerWorker {
        worker(over: stores, limits)
    }

    private func worker(over ledger: any Ledger, _ limits: SequencerLimits = SequencerLimits()) -> SequencerWorker {
        SequencerWorker(
            ledger: ledger, connections: connections, doorbell: doorbell, limits: DrainLimits(sequencer: limits),
            now: { Timestamp(milliseconds: 9000) })
    }

    private func events(_ events: (String, Int64)...) -> [SourceEvent] {
        events.map { SourceEvent(id: $0.0, timestamp: Timestamp(milliseconds: $0.1), message: "m\($0.0)") }
    }

    private func log() async throws -> [String] { try await stores.texts(of: id) }

    @Test("orders a batch by time, then by id, and takes each event once")
    func order() async throws {
        let batch = events(("b", 5), ("c", 3), ("a", 5), ("c", 3), ("d", 9))
        #expect(await worker().sequence(batch, of: id) == .done)
        #expect(try await log() == ["mc", "ma", "mb", "md"])
        #expect(try await stores.ledgerHead(of: id).lines == 4)
    }

    @Test("adds nothing that the log holds, however late it comes again", arguments: [1, 3, 20])
    func duplicates(blocks: Int) async throws {
        let worker = worker()
        let first = events(("a", 100), ("b", 101))
        #expect(await worker.sequence(first, of: id) == .done)
        for number in 0..<blocks {
            let batch = events(("x\(number)", 100 + Int64(number)))
            #expect(await worker.sequence(batch, of: id) == .done)
        }
        #expect(await worker.sequence(first + events(("new", 99)), of: id) == .done)
        #expect(await self.worker().sequence(first, of: id) == .done)
        #expect(try await log() == ["ma", "mb"] + (0..<blocks).map { "mx\($0)" } + ["mnew"])
    }

    @Test("looks no further back than an event of the batch can be")
    func search() throws {
        var sequencer = Sequencer(events(("e", 50)), of: id)
        func block(_ offset: UInt64, runningMaximum: Int64) throws -> LedgerBlock {
            let block = try #require(Sample.ledgerAppend(["\(offset)"], after: offset - 1).block)
            return LedgerBlock(
                events: block.events, eventIDs: ["\(offset)"],
                runningMaximum: Timestamp(milliseconds: runningMaximum))
        }
        let log = LogHead(offset: Offset(9), latest: Timestamp(milliseconds: 60))
        #expect(sequencer.handle(.begin) == .readHead)
        #expect(sequencer.handle(.head(LedgerHead(log: log))) == .readBlock(holding: Offset(9)))
        #expect(sequencer.handle(.block(try block(9, runningMaximum: 60))) == .readBlock(holding: Offset(8)))
        // An event of the same millisecond may be the same event.
        #expect(sequencer.handle(.block(try block(8, runningMaximum: 50))) == .readBlock(holding: Offset(7)))
        guard case .append = sequencer.handle(.block(try block(7, runningMaximum: 49))) else {
            return #expect(Bool(false), "it reads on")
        }
        var newer = Sequencer(events(("e", 61)), of: id)
        _ = newer.handle(.begin)
        guard case .append = newer.handle(.head(LedgerHead(log: log))) else {
            return #expect(Bool(false), "nothing so new can be there")
        }
    }

    @Test("looks again when somebody else moved the head, and doubles nothing")
    func race() async throws {
        let (once, stores, id) = (Once(), stores, id)
        let both = events(("a", 10), ("b", 11))
        let other = worker()
        let staged = StagedLedger(stores: stores) { _ in
            guard once.take() else { return }
            _ = await other.sequence([both[0]], of: id)
        }
        #expect(await worker(over: staged).sequence(both, of: id) == .done)
        #expect(try await log() == ["ma", "mb"])
        #expect(try await stores.ledgerHead(of: id).lines == 2)
    }

    @Test("gives up to the queue when the head never holds still, or a port fails")
    func retry() throws {
        var sequencer = Sequencer(events(("a", 10)), of: id, limits: SequencerLimits(attempts: 2))
        _ = sequencer.handle(.begin)
        _ = sequencer.handle(.head(LedgerHead()))
        #expect(sequencer.handle(.refused) == .readHead)
        _ = sequencer.handle(.head(LedgerHead()))
        #expect(sequencer.handle(.refused) == .finish(.retry))
        var failing = Sequencer(events(("a", 10)), of: id)
        _ = failing.handle(.begin)
        #expect(failing.handle(.failed) == .finish(.retry))
    }

    @Test("rings every viewer after the append, and also where it has added nothing")
    func ring() async throws {
        for name in ["a", "b"] { try await connections.connect(ConnectionID(name), Sample.connection()) }
        try await connections.connect(ConnectionID("other"), Sample.connection(of: "other"))
        for _ in 1...2 {
            #expect(await worker().sequence(events(("a", 10)), of: id) == .done)
            #expect(Set(doorbell.take().map(\.connection.rawValue)) == ["a", "b"])
        }
    }

    @Test("cuts what is new into blocks, and what is too long into parts with one id")
    func limits() async throws {
        let long = SourceEvent(id: "long", timestamp: .epoch, message: String(repeating: "x", count: 25))
        let worker = worker(SequencerLimits(block: 150, line: 10))
        #expect(await worker.sequence([long] + events(("a", 10), ("b", 10), ("c", 10)), of: id) == .done)
        let head = try await stores.ledgerHead(of: id)
        #expect(head.lines == 4)
        #expect(head.log.offset == Offset(6))
        let block = try #require(try await stores.block(of: id, holding: Offset(1)))
        #expect(block.eventIDs == ["long"])
        #expect(try LogEvent.decode(lines: block.events.bytes).map(\.isPartial) == [true, true, false])
        #expect(await worker.sequence([long], of: id) == .done)
        #expect(try await stores.ledgerHead(of: id) == head)
    }

    @Test("notes the runner's last line, which is no event")
    func sentinel() async throws {
        let message = FinalSentinel(lines: 1).message(of: id)
        let sentinel = SourceEvent(id: "z", timestamp: Timestamp(milliseconds: 20), message: message)
        #expect(await worker().sequence([sentinel], of: id) == .done)
        #expect(try await stores.ledgerHead(of: id).sentinel == FinalSentinel(lines: 1))
        #expect(await worker().sequence(events(("a", 10)) + [sentinel], of: id) == .done)
        #expect(try await log() == ["ma"])
        #expect(try await stores.ledgerHead(of: id).isCounted)
        let foreign = FinalSentinel(lines: 1).message(of: Sample.id("f"))
        #expect(FinalSentinel(message: foreign, of: id) == nil)
    }

    @Test("says in the log that it is full, once, and takes nothing more")
    func full() async throws {
        let worker = worker(SequencerLimits(log: 60))
        for time in [10, 11, 12] as [Int64] {
            #expect(await worker.sequence(events(("e\(time)", time)), of: id) == .done)
        }
        let head = try await stores.ledgerHead(of: id)
        #expect(head.isFull)
        #expect(head.log.offset == Offset(2))
        #expect(head.lines == 1)
    }

    @Test("adds nothing behind the end, and says that it is done")
    func ended() async throws {
        _ = try await stores.append(Sample.ledgerAppend([], after: 0, end: Sample.success), to: id, at: .epoch)
        #expect(await worker().sequence(events(("a", 10)), of: id) == .done)
        #expect(try await stores.ledgerHead(of: id).log.offset == Offset(1))
    }
}

extension LogEvent {
    var isPartial: Bool {
        if case .line(let line) = content { return line.isPartial }
        return false
    }
}
