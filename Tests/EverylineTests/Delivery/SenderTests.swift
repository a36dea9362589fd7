import Everyline
import EverylineTesting
import NIOCore
import Testing

@Suite("A sender")
struct SenderTests {
    private let execution = Sample.id("e")
    private let id = ConnectionID("c")
    private let viewers = StagedViewers()
    private static let now = Timestamp(milliseconds: 20_000)

    /// A log of so many lines, each a block by itself, and its viewer.
    private func begin(
        lines: Int, ends: Bool = false, cursor: UInt64 = 0, generation: UInt64 = 1, encoding: StreamEncoding = .blocks
    ) async throws -> InMemoryStores {
        let stores = try await InMemoryStores.holding(execution, (1...lines).map(String.init), ends: ends)
        viewers.gateway.open(id)
        try await viewers.connect(id, Sample.connection(generation: generation, cursor: cursor, encoding: encoding))
        return stores
    }

    private func send(
        from log: any LogReader, blocks: Int = 64, frame: ByteCount = 400, at now: Timestamp = Self.now
    ) async -> Sender.Outcome {
        let sender = Sender(
            log: log, connections: viewers, gateway: viewers, settings: DeliverySettings(blocks: blocks, frame: frame),
            now: { now })
        return await sender.send(to: id, of: execution, as: "a")
    }

    private var record: ViewerConnection? {
        get async throws { try await viewers.connection(id, of: execution) }
    }

    private func received() throws -> [String] {
        try viewers.gateway.received(by: id).flatMap { message -> [String] in
            guard case .block(_, _, let execution, let lines) = GatewayFrame(message) else { return [] }
            #expect(execution == self.execution)
            return try LogEvent.decode(lines: lines).map { event in
                if case .line(let line) = event.content { return line.message }
                return "<end>"
            }
        }
    }

    @Test("posts before it moves the cursor, and gives the lock back with the last step")
    func order() async throws {
        let stores = try await begin(lines: 3)
        #expect(await send(from: stores, frame: GatewayFrame.maximumOverhead + 1) == .idle)
        #expect(viewers.steps == [.acquire, .post, .advance, .post, .advance, .post, .advanceAndRelease])
        #expect(try received() == ["1", "2", "3"])
        let record = try await record
        #expect(record?.cursor == Offset(3) && record?.lock == nil)
    }

    @Test("gives the lock back where nothing is to be sent")
    func nothing() async throws {
        let stores = try await begin(lines: 2, cursor: 2)
        #expect(await send(from: stores) == .idle)
        #expect(viewers.steps == [.acquire, .release])
    }

    @Test("closes the record behind the end event, then the connection, also when another sender has posted the end")
    func end() async throws {
        let stores = try await begin(lines: 2, ends: true)
        #expect(await send(from: stores) == .completed)
        #expect(try received() == ["1", "2", "<end>"])
        #expect(viewers.steps.suffix(2) == [.finish, .hangUp])
        #expect(try await record?.isOpen == false)
        #expect(!viewers.gateway.isOpen(id))
        let other = StagedViewers()
        other.gateway.open(id)
        try await other.connect(id, Sample.connection(cursor: 3))
        let sender = Sender(
            log: stores, connections: other, gateway: other, settings: DeliverySettings(), now: { Self.now })
        #expect(await sender.send(to: id, of: execution, as: "b") == .completed)
        #expect(other.steps == [.acquire, .finish, .hangUp])
    }

    @Test("does not close a viewer as complete that resumes meanwhile")
    func resumedBeforeTheEnd() async throws {
        let stores = try await begin(lines: 1, ends: true)
        viewers.before(.finish) { [viewers, id, execution] in
            _ = try? await viewers.connections.update(id, of: execution, .resume(generation: 2, after: .zero))
        }
        #expect(await send(from: stores) == .lostLock)
        #expect(viewers.gateway.isOpen(id))
        #expect(try await record?.isOpen == true)
    }

    @Test("does not take a log for sent whose head is further than what was read")
    func staleRead() async throws {
        let stores = try await begin(lines: 2, ends: true, cursor: 2)
        #expect(await send(from: StaleReader(log: stores)) == .retry)
        #expect(viewers.steps == [.acquire, .release])
    }

    @Test("goes back to the queue when another sender has the lock, and is over where no viewer is to be sent to")
    func held() async throws {
        let stores = try await begin(lines: 1)
        let lock = ConnectionUpdate.acquire(owner: "b", now: Self.now, lease: .seconds(30))
        _ = try await viewers.connections.update(id, of: execution, lock)
        #expect(await send(from: stores) == .retry)
        _ = try await viewers.connections.update(id, of: execution, .close)
        #expect(await send(from: stores) == .gone)
        #expect(viewers.steps == [.acquire, .acquire])
    }

    @Test("sends nothing before a viewer that opens with a resumption has said it, and lets go of what rang")
    func awaiting() async throws {
        let stores = try await begin(lines: 1, generation: 0)
        #expect(await send(from: stores).notification == .delete)
        #expect(viewers.gateway.isOpen(id) && viewers.gateway.received(by: id).isEmpty)
    }

    @Test("stops at once when it has lost the lock on the way")
    func lostLock() async throws {
        let stores = try await begin(lines: 3)
        viewers.before(.advance) { [viewers, id, execution] in
            _ = try? await viewers.connections.update(id, of: execution, .resume(generation: 2, after: .zero))
        }
        #expect(await send(from: stores, frame: GatewayFrame.maximumOverhead + 1) == .lostLock)
        #expect(viewers.steps == [.acquire, .post, .advance])
        #expect(try await record?.cursor == .zero)
    }

    @Test(
        "leaves the cursor alone when a step fails, gives the lock back and lets the message come again",
        arguments: [StagedViewers.Step.post, .advance, .finish])
    func failing(step: StagedViewers.Step) async throws {
        let stores = try await begin(lines: 2, ends: step == .finish)
        viewers.fail(step)
        #expect(await send(from: stores, frame: GatewayFrame.maximumOverhead + 1) == .retry)
        #expect(viewers.steps.last == .release)
        let record = try await record
        #expect(record?.lock == nil && record?.isOpen == true)
        #expect(record?.cursor == (step == .finish ? Offset(3) : .zero))
    }

    @Test("lets the message come again when it doesn't know whether it has the lock")
    func unknownLock() async throws {
        let stores = try await begin(lines: 1)
        viewers.fail(.acquire)
        #expect(await send(from: stores) == .retry)
        #expect(viewers.steps == [.acquire])
    }

    @Test(
        "keeps the notification when the gateway wants less, and goes on where it was",
        arguments: [PostResult.throttled, .failed])
    func throttled(result: PostResult) async throws {
        let stores = try await begin(lines: 2)
        viewers.gateway.refuse([result])
        #expect(await send(from: stores).notification == .keep)
        #expect(await send(from: stores).notification == .delete)
        #expect(try received() == ["1", "2"])
    }

    @Test("takes an unknown connection for one that is yet to come, and later for one that is gone")
    func settling() async throws {
        let stores = try await begin(lines: 1)
        await viewers.gateway.close(id)
        #expect(await send(from: stores, at: Timestamp(milliseconds: 10_099)) == .retry)
        #expect(try await record?.isOpen == true)
        #expect(await send(from: stores, at: Timestamp(milliseconds: 10_100)) == .gone)
        #expect(try await record?.isOpen == false)
    }

    @Test("gives way after so many blocks")
    func pass() async throws {
        let stores = try await begin(lines: 3)
        let outcome = await send(from: stores, blocks: 2, frame: GatewayFrame.maximumOverhead + 1)
        #expect(outcome == .yield && outcome.notification == .notifyAgainAndDelete)
        #expect(viewers.steps.last == .advanceAndRelease)
        #expect(try received() == ["1", "2"])
    }

    @Test("speaks line by line to a viewer without a subprotocol")
    func linesForm() async throws {
        let stores = try await begin(lines: 1, ends: true, encoding: .lines)
        #expect(await send(from: stores) == .completed)
        let texts = viewers.gateway.received(by: id).map { String(buffer: $0) }
        #expect(texts.count == 2)
        #expect(texts[0].hasSuffix(#""message":"1","event_id":"1"}"#))
        #expect(texts.last == #"{"type":"disconnect","reason":"execution_completed"}"#)
    }
}

/// Reads nothing, though the head says that there is something.
private struct StaleReader: LogReader {
    let log: InMemoryStores

    func head(of execution: ExecutionID) async throws -> LogHead { try await log.head(of: execution) }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        LogRead(block: nil, head: try await log.head(of: execution))
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await log.offset(in: execution, before: time)
    }
}
