import Everyline
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@Suite("A log writer")
struct LogWriterTests {
    private let id = Sample.id("e")
    private let feed = LogFeed()

    private func body(_ text: String, after head: UInt64) -> AppendBody { Sample.body([text], after: head) }

    /// Runs the writer for as long as `test` takes.
    private func running(
        _ store: any LogStore, limits: LogWriter.Limits = .init(), _ test: (LogWriter) async throws -> Void
    ) async throws {
        let writer = LogWriter(store: store, feed: feed, limits: limits, now: { .epoch })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await writer.run() }
            try await test(writer)
            group.cancelAll()
        }
    }

    @Test("commits as one what came while a commit was running, and answers each")
    func groupCommit() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let batches = Mutex<[Int]>([])
        let (started, hasStarted) = AsyncStream.makeStream(of: Void.self)
        let (open, opened) = AsyncStream.makeStream(of: Void.self)
        let once = Once()
        let staged = StagedLogStore(
            stores: stores,
            beforeCommit: { appends in
                batches.withLock { $0.append(appends.count) }
                guard once.take() else { return }
                hasStarted.yield()
                for await _ in open { break }
            })
        let id = id
        try await running(staged) { writer in
            try await withThrowingTaskGroup(of: Offset.self) { group in
                group.addTask {
                    try await writer.append(Sample.body(["0"], after: 0), to: id, after: .zero).head.offset
                }
                for await _ in started { break }
                for number in UInt64(1)...9 {
                    let waiting = writer.waitingCount
                    group.addTask {
                        try await writer.append(
                            Sample.body(["\(number)"], after: number), to: id, after: Offset(number)
                        ).head.offset
                    }
                    while writer.waitingCount == waiting { await Task.yield() }
                }
                opened.yield()
                var heads: [Offset] = []
                for try await head in group { heads.append(head) }
                #expect(heads.sorted() == (1...10).map { Offset($0) })
            }
        }
        #expect(batches.withLock { $0 } == [1, 9])
    }

    @Test("tells the tails of nothing before it is committed")
    func durableBeforeVisible() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let subscription = feed.subscribe(to: id)
        let before = subscription.version.events
        let duringCommit = Mutex<UInt64?>(nil)
        let staged = StagedLogStore(
            stores: stores, beforeCommit: { _ in duringCommit.withLock { $0 = subscription.version.events } })
        try await running(staged) { writer in
            _ = try await writer.append(body("a", after: 0), to: id, after: .zero)
        }
        #expect(duringCommit.withLock { $0 } == before)
        #expect(subscription.version.events > before)
    }

    @Test("answers a failed commit to all who were in it, keeps nothing, and goes on")
    func failure() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let once = Once()
        let staged = StagedLogStore(
            stores: stores, beforeCommit: { _ in if once.take() { throw LogStoreError.noSpace } })
        try await running(staged) { writer in
            await #expect(throws: LogStoreError.noSpace) {
                _ = try await writer.append(body("a", after: 0), to: id, after: .zero)
            }
            let before = try await stores.head(of: id)
            #expect(before.offset == .zero)
            let after = try await writer.append(body("a", after: 0), to: id, after: .zero)
            #expect(after.head.offset == Offset(1))
        }
    }

    @Test("lets the tails ask the store after a commit that failed: it may have been durable all the same")
    func doubtfulCommit() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let once = Once()
        let staged = StagedLogStore(
            stores: stores,
            afterCommit: { appends in
                if appends.first?.head == Offset(1), once.take() { throw LogStoreError.unavailable("the disk") }
            })
        try await running(staged) { writer in
            var tail = Tail(of: id, after: .zero, in: staged, feed: feed, limit: 1000)
            _ = try await writer.append(body("a", after: 0), to: id, after: .zero)
            #expect(try await tail.next().texts() == ["a"])
            let version = tail.subscription.version.events
            await #expect(throws: LogStoreError.unavailable("the disk")) {
                _ = try await writer.append(body("b", after: 1), to: id, after: Offset(1))
            }
            #expect(tail.subscription.version.events > version)
            #expect(tail.subscription.recent(after: Offset(1), limit: 1000).isUnknown, "the tail would wait for ever")
            #expect(try await tail.next().texts() == ["b"])
        }
    }

    @Test("refuses what would wait beyond its limit")
    func limit() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let body = body("a", after: 0)
        let size = try #require(body.block?.bytes.readableBytes)
        try await running(stores, limits: .init(batchBytes: 10, waitingBytes: size - 1)) { writer in
            await #expect(throws: LogStoreError.unavailable("too much is waiting to be written")) {
                _ = try await writer.append(body, to: id, after: .zero)
            }
        }
        try await running(stores, limits: .init(batchBytes: 10, waitingBytes: size)) { writer in
            let appended = try await writer.append(body, to: id, after: .zero)
            #expect(appended.head.offset == Offset(1))
        }
    }

    @Test("that has stopped refuses")
    func stopped() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let writer = LogWriter(store: stores, feed: feed, now: { .epoch })
        let task = Task { await writer.run() }
        task.cancel()
        await task.value
        await #expect(throws: LogStoreError.unavailable("the server is stopping")) {
            _ = try await writer.append(body("a", after: 0), to: id, after: .zero)
        }
    }

    @Test("ends a log after whatever came first: a line, or another end", arguments: [false, true])
    func ending(isEndedMeanwhile: Bool) async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        let (once, id) = (Once(), id)
        let staged = StagedLogStore(
            stores: stores,
            afterHead: { _ in
                guard once.take() else { return }
                _ = try await stores.add(["b"], to: id, end: isEndedMeanwhile ? Sample.success : nil)
            })
        try await running(staged) { writer in
            let lost = ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
            let head = try await writer.end(id, lost)
            #expect(head.isEnded)
            #expect(head.offset == Offset(3))
            let status = try await stores.execution(id).status
            #expect(status == (isEndedMeanwhile ? .succeeded : .failed))
        }
    }
}
