import Everyline
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@Suite("A tail")
struct TailTests {
    private let id = Sample.id("e")
    private let feed = LogFeed()

    private func tail(in store: any LogStore, after offset: UInt64 = 0) -> Tail {
        Tail(of: id, after: Offset(offset), in: store, feed: feed, limit: 100)
    }

    @Test("resumed after an offset gives exactly what follows it, and ends", arguments: UInt64(0)...7)
    func resume(after offset: UInt64) async throws {
        let stores = try await InMemoryStores.holding(id, ["a", "b", "c", "d", "e"], ends: true)
        var tail = tail(in: stores, after: offset)
        var texts: [String] = []
        while case .blocks(let blocks) = try await tail.next() { texts += try blocks.texts() }
        #expect(texts == Array(["a", "b", "c", "d", "e", "<end>"].dropFirst(Int(offset))))
        #expect(try await tail.next().isEnd)
    }

    @Test("misses nothing that is appended between its read and its wait")
    func lostWakeup() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        let (once, id, feed) = (Once(), id, feed)
        let staged = StagedLogStore(
            stores: stores,
            afterRead: { found in
                // The tail has seen that there is nothing, and has yet to wait.
                guard found.block == nil, once.take() else { return }
                feed.announce(try await stores.add(["b"], to: id), in: id)
            })
        var tail = tail(in: staged, after: 1)
        #expect(try await tail.next().texts() == ["b"])
    }

    @Test("gives nothing twice that it reads from the store and is told of later")
    func lateAnnouncement() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        var tail = tail(in: stores)
        let first = try await stores.add(["a"], to: id)
        #expect(try await tail.next().texts() != nil)
        feed.announce(first, in: id)
        feed.announce(try await stores.add(["b"], to: id), in: id)
        #expect(try await tail.next().texts() == ["b"])
    }

    @Test("takes the newest blocks from memory, and the store's where they don't reach back")
    func recent() async throws {
        struct NotToBeRead: Error {}
        let stores = try await InMemoryStores.holding(id, ["a"])
        let unreadable = StagedLogStore(stores: stores, afterRead: { _ in throw NotToBeRead() })
        var tail = tail(in: unreadable, after: 1)
        feed.announce(try await stores.add(["b"], to: id), in: id)
        feed.announce(try await stores.add(["c"], to: id), in: id)
        #expect(try await tail.next().texts() == ["b", "c"])
        var behind = Tail(of: id, after: .zero, in: unreadable, feed: feed, limit: 100)
        await #expect(throws: NotToBeRead.self) { _ = try await behind.next() }
    }

    @Test("begins with little, and gives more with each step that was taken")
    func firstSteps() async throws {
        let text = String(repeating: "x", count: 1000)
        let stores = try await InMemoryStores.holding(id, [])
        _ = try await stores.add([String](repeating: text, count: 600), to: id)
        let (limit, first) = (4 * Tail.firstStep, Tail.firstStep)
        var tail = Tail(of: id, after: .zero, in: stores, feed: feed, limit: limit)
        var sizes: [Int] = []
        while tail.offset < Offset(600), case .blocks(let blocks) = try await tail.next() {
            sizes.append(blocks.reduce(0) { $0 + $1.bytes.readableBytes })
        }
        for (size, most) in zip(sizes, [first, 2 * first, limit, limit]) {
            #expect((most - 1100...most).contains(size), "\(sizes)")
        }
        #expect(sizes.count > 4)
    }

    @Test("that has nothing to give says so at each tick, with the head")
    func idle() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        var tail = tail(in: stores, after: 1)
        // A tick has to come while the tail waits, and the test can't see when that is.
        async let _: Void = ticking()
        #expect(try await tail.next().idleHead == Offset(1))
    }

    @Test("that greets says first that nothing follows yet, once, and nothing else where something does")
    func greeting() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        var tail = Tail(of: id, after: Offset(1), in: stores, feed: feed, limit: 100, greets: true)
        #expect(try await tail.next().idleHead == Offset(1))
        feed.announce(try await stores.add(["b"], to: id), in: id)
        #expect(try await tail.next().texts() == ["b"])
        var behind = Tail(of: id, after: Offset(1), in: stores, feed: feed, limit: 100, greets: true)
        #expect(try await behind.next().texts() == ["b"])
        feed.announce(try await stores.add(["c"], to: id), in: id)
        #expect(try await behind.next().texts() == ["c"])
    }

    private func ticking() async {
        while !Task.isCancelled {
            feed.tick()
            await Task.yield()
        }
    }

    @Test("ends its wait when its subscription is ended, before or while it waits")
    func ending() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        var early = tail(in: stores, after: 1)
        early.subscription.end()
        await #expect(throws: CancellationError.self) { _ = try await early.next() }
        var late = tail(in: stores, after: 1)
        let subscription = late.subscription
        async let end: Void = subscription.end()
        await #expect(throws: CancellationError.self) { _ = try await late.next() }
        await end
    }

    @Test("on a log that ended before its offset ends at once")
    func beyondTheEnd() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"], ends: true)
        var tail = tail(in: stores, after: 9)
        #expect(try await tail.next().isEnd)
    }

    @Test("after the end event ends at once, also where the end is in memory")
    func behindTheEnd() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        let other = tail(in: stores)
        feed.announce(try await stores.add([], to: id, end: Sample.success), in: id)
        var tail = tail(in: stores, after: 2)
        tail.subscription.end()
        #expect(try await tail.next().isEnd)
        #expect(other.offset == .zero)
    }

    @Test("of many beside each other gives each of them every event once, while the log grows")
    func many() async throws {
        let stores = try await InMemoryStores.holding(id, [])
        let (id, feed) = (id, feed)
        let received = try await withThrowingTaskGroup(of: [String].self) { group in
            for number in 0..<20 {
                group.addTask {
                    var tail = Tail(of: id, after: Offset(UInt64(number % 3)), in: stores, feed: feed, limit: 100)
                    var texts: [String] = Array(repeating: "?", count: number % 3)
                    while case .blocks(let blocks) = try await tail.next() { texts += try blocks.texts() }
                    return texts
                }
            }
            for number in 0..<300 {
                feed.announce(try await stores.add(["\(number)"], to: id), in: id)
                await Task.yield()
            }
            feed.announce(try await stores.add([], to: id, end: Sample.success), in: id)
            return try await group.reduce(into: [[String]]()) { $0.append($1) }
        }
        let all = (0..<300).map(String.init) + ["<end>"]
        for texts in received { #expect(texts.count == 301 && zip(texts, all).allSatisfy { $0 == "?" || $0 == $1 }) }
        #expect(feed.counts.subscriptions == 0)
    }

    private let clock = InstantClock()

    private func take(_ line: PendingLine, in store: any LogStore) async throws {
        let clock = clock
        _ = try await feed.takePending(
            line, of: id, in: store, now: { clock.now }, sleep: { try await clock.sleep(for: $0) })
    }

    @Test("that has given everything gives the line that has begun, its later states, and no other line's")
    func pending() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        try await take(PendingLine(after: Offset(1), message: "50%"), in: stores)
        var tail = tail(in: stores)
        #expect(try await tail.next().texts() != nil)
        #expect(try await tail.next().pending == PendingLine(after: Offset(1), message: "50%"))
        // One that waits for its event, and one that is too late.
        try await take(PendingLine(after: Offset(2), message: "next"), in: stores)
        try await take(PendingLine(after: .zero, message: "old"), in: stores)
        #expect(try await tail.next().pending == PendingLine(after: Offset(1), message: ""))
        feed.announce(try await stores.add(["100%"], to: id), in: id)
        #expect(try await tail.next().texts() != nil)
        #expect(try await tail.next().pending == PendingLine(after: Offset(2), message: "next"))
    }

    @Test("misses no line that comes between its look and its wait, and goes to no store for it")
    func pendingWakeup() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        let (once, id, feed, clock) = (Once(), id, feed, clock)
        let reads = Mutex(0)
        let offer: @Sendable (String) async throws -> Void = { text in
            _ = try await feed.takePending(
                PendingLine(after: Offset(1), message: text), of: id, in: stores, now: { clock.now },
                sleep: { try await clock.sleep(for: $0) })
        }
        let staged = StagedLogStore(
            stores: stores,
            afterRead: { _ in
                reads.withLock { $0 += 1 }
                if once.take() { try await offer("?") }
            })
        var tail = tail(in: staged, after: 1)
        for (text, next) in [("?", "50%"), ("50%", "60%"), ("60%", "")] {
            #expect(try await tail.next().pending?.message == text)
            try await offer(next)
        }
        #expect(reads.withLock { $0 } == 1)
    }

    @Test("drops a line that an event has ended while it was on its way")
    func lateLine() async throws {
        let stores = try await InMemoryStores.holding(id, ["a"])
        feed.announce(try await stores.add(["b"], to: id), in: id)
        try await take(PendingLine(after: Offset(1), message: "b"), in: stores)
        #expect(feed.pending(of: id, after: Offset(1)) == nil)
    }
}

extension Tail.Step {
    func texts() throws -> [String]? { if case .blocks(let blocks) = self { try blocks.texts() } else { nil } }
    fileprivate var pending: PendingLine? { if case .pending(let line) = self { line } else { nil } }
    fileprivate var idleHead: Offset? { if case .idle(let head) = self { head } else { nil } }
    fileprivate var isEnd: Bool { if case .ended = self { true } else { false } }
}
