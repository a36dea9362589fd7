import Everyline
import EverylineTesting
import Testing

@Suite("A drain")
struct DrainTests {
    private let id = Sample.id("e")
    private let stores: InMemoryStores
    private let connections = InMemoryConnections()
    private let doorbell = InMemoryDoorbell()

    init() async throws {
        stores = try await InMemoryStores.holding(id, [])
    }

    private func worker(over ledger: (any Ledger)? = nil) -> SequencerWorker {
        SequencerWorker(
            ledger: ledger ?? stores, connections: connections, doorbell: doorbell,
            limits: DrainLimits(quietScans: 2, patientScans: 4, scans: 6), now: { .epoch })
    }

    private func events(_ names: ClosedRange<Int>, counted: Int? = nil) -> [SourceEvent] {
        var events = names.map {
            SourceEvent(id: "e\($0)", timestamp: Timestamp(milliseconds: Int64($0)), message: "m\($0)")
        }
        if let counted {
            let message = FinalSentinel(lines: counted).message(of: id)
            events.append(SourceEvent(id: "z", timestamp: Timestamp(milliseconds: 1000), message: message))
        }
        return events
    }

    private func drain(_ source: InMemoryLogSource, over ledger: (any Ledger)? = nil) async -> Drain.Outcome {
        await worker(over: ledger).drain(
            id, outcome: Sample.success, stoppedAt: Timestamp(milliseconds: 2000), from: source, pause: {})
    }

    private func end() async throws -> ExecutionOutcome? {
        let read = try await stores.read(
            id, after: Offset(try await stores.head(of: id).offset.rawValue - 1), limit: 1000)
        guard case .end(let outcome) = try LogEvent.decode(lines: try #require(read.block).bytes).last?.content else {
            return nil
        }
        return outcome
    }

    @Test("appends what the subscription lost before the end, and the end says that the lines were counted")
    func missing() async throws {
        let all = events(1...8, counted: 8)
        #expect(await worker().sequence([all[0], all[4]], of: id) == .done)
        #expect(await drain(InMemoryLogSource(all)) == .done)
        #expect(try await stores.texts(of: id) == ["m1", "m5", "m2", "m3", "m4", "m6", "m7", "m8", "<end>"])
        #expect(try await end() == Sample.success.verified(true))
        #expect(try await stores.execution(id).status == .succeeded)
    }

    @Test("asks for nothing where the count is reached already")
    func counted() async throws {
        #expect(await worker().sequence(events(1...3, counted: 3), of: id) == .done)
        #expect(await drain(InMemoryLogSource([])) == .done)
        #expect(try await end() == Sample.success.verified(true))
    }

    @Test("waits for nothing once a scan has completed the count")
    func completed() async throws {
        let outcome = await worker().drain(
            id, outcome: Sample.success, stoppedAt: Timestamp(milliseconds: 2000),
            from: InMemoryLogSource(events(1...8, counted: 8)), pause: { Issue.record("it paused") })
        #expect(outcome == .done)
        #expect(try await end() == Sample.success.verified(true))
    }

    @Test("waits for what the source shows late", arguments: [1, 3])
    func late(groups: Int) async throws {
        let all = events(1...6, counted: 6)
        let source = InMemoryLogSource(Array(all.prefix(2)))
        let rest = Array(all.dropFirst(2))
        source.show(late: (0..<groups).map { group in rest.indices.filter { $0 % groups == group }.map { rest[$0] } })
        #expect(await drain(source) == .done)
        #expect(try await stores.texts(of: id).count == 7)
        #expect(try await end()?.isVerified == true)
    }

    @Test("without the runner's last line ends after two quiet scans, and says that nothing was counted")
    func uncounted() async throws {
        let all = events(1...4)
        let source = InMemoryLogSource(Array(all.prefix(2)))
        source.show(late: [[], Array(all.dropFirst(2))])
        #expect(await drain(source) == .done)
        #expect(try await stores.texts(of: id) == ["m1", "m2", "m3", "m4", "<end>"])
        #expect(try await end() == Sample.success.verified(false))
    }

    @Test("ends unverified where lines never come that the runner counted")
    func short() async throws {
        #expect(await drain(InMemoryLogSource(events(1...4, counted: 5))) == .done)
        #expect(try await end()?.isVerified == false)
    }

    @Test("looks again when somebody appends before the end does")
    func moved() async throws {
        let (once, other, late) = (Once(), worker(), events(5...5))
        let id = id
        let staged = StagedLedger(stores: stores) { append in
            guard append.outcome != nil, once.take() else { return }
            _ = await other.sequence(late, of: id)
        }
        #expect(await drain(InMemoryLogSource(events(1...4)), over: staged) == .done)
        #expect(try await stores.texts(of: id) == ["m1", "m2", "m3", "m4", "m5", "<end>"])
    }

    @Test("rings everybody at the end, also when it finds that it was there")
    func ring() async throws {
        try await connections.connect(ConnectionID("c"), Sample.connection())
        for _ in 1...2 {
            #expect(await drain(InMemoryLogSource([])) == .done)
            #expect(doorbell.take().map(\.connection.rawValue).last == "c")
        }
        #expect(try await stores.texts(of: id) == ["<end>"])
    }

    @Test("goes back to the queue when the source can't be read, or never comes to rest")
    func retry() throws {
        var drain = Drain(of: id, outcome: Sample.success, stoppedAt: .epoch)
        _ = drain.handle(.begin)
        #expect(drain.handle(.sequenced(.head(LedgerHead()))) == .readSource(after: nil))
        #expect(drain.handle(.failed) == .finish(.retry))
    }

    @Test("ends a full log at once")
    func full() throws {
        var drain = Drain(of: id, outcome: Sample.success, stoppedAt: .epoch)
        _ = drain.handle(.begin)
        guard case .sequence(.append(let end)) = drain.handle(.sequenced(.head(LedgerHead(isFull: true)))) else {
            return #expect(Bool(false), "it doesn't end")
        }
        #expect(end.outcome == Sample.success.verified(false))
    }
}
