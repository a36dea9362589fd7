import Everyline
import EverylineTesting
import Testing

@Suite("A connection's update")
struct ConnectionUpdateTests {
    private let lease = Duration.milliseconds(100)

    private func connection(cursor: UInt64 = 0) throws -> ViewerConnection {
        ViewerConnection(
            execution: try #require(ExecutionID("e")), cursor: Offset(cursor), form: .lines, key: "k",
            connectedAt: .epoch, expiresAt: Timestamp(milliseconds: 1000))
    }

    private func acquire(_ owner: String, at now: Int64) -> ConnectionUpdate {
        .acquire(owner: owner, now: Timestamp(milliseconds: now), lease: lease)
    }

    private func advance(_ connection: ViewerConnection, to: UInt64, at now: Int64) -> ConnectionUpdate {
        .advance(
            fence: connection.fence, from: connection.cursor, to: Offset(to), lastSeen: .epoch,
            now: Timestamp(milliseconds: now), lease: lease)
    }

    @Test("gives the lock to one at a time, until it is released or its lease is over")
    func exclusive() throws {
        let free = try connection()
        let a = try #require(acquire("a", at: 0).apply(to: free))
        #expect(acquire("b", at: 99).apply(to: a) == nil)
        #expect(acquire("b", at: 100).apply(to: a) != nil)
        let released = try #require(ConnectionUpdate.release(fence: a.fence).apply(to: a))
        #expect(acquire("b", at: 1).apply(to: released) != nil)
    }

    @Test("lets no sender move the cursor that has lost the lock")
    func fence() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection()))
        let b = try #require(acquire("b", at: 100).apply(to: a))
        #expect(advance(a, to: 5, at: 101).apply(to: b) == nil)
        #expect(ConnectionUpdate.release(fence: a.fence).apply(to: b) == nil)
        #expect(advance(b, to: 5, at: 101).apply(to: b)?.cursor == Offset(5))
    }

    @Test("takes the right away when the viewer resumes, and obeys the later generation only")
    func resume() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection(cursor: 9)))
        let resumed = try #require(ConnectionUpdate.resume(generation: 1, after: Offset(4)).apply(to: a))
        #expect(resumed.cursor == Offset(4))
        #expect(resumed.lock == nil)
        #expect(advance(a, to: 12, at: 1).apply(to: resumed) == nil)
        #expect(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: resumed) == nil)
    }

    @Test("renews the lease with each step")
    func renews() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection()))
        let stepped = try #require(advance(a, to: 3, at: 90).apply(to: a))
        #expect(acquire("b", at: 150).apply(to: stepped) == nil)
        #expect(acquire("b", at: 190).apply(to: stepped) != nil)
    }

    @Test("doesn't hold others off by a lease that only a wrong clock can have written")
    func impossibleLease() throws {
        let ahead = try #require(acquire("a", at: 900).apply(to: try connection()))
        #expect(acquire("b", at: 801).apply(to: ahead) == nil)
        #expect(acquire("b", at: 799).apply(to: ahead) != nil)
    }

    @Test("is concluded by no sender whose viewer resumed meanwhile")
    func conclude() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection()))
        let resumed = try #require(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: a))
        #expect(ConnectionUpdate.conclude(fence: a.fence).apply(to: resumed) == nil)
        #expect(ConnectionUpdate.conclude(fence: a.fence).apply(to: a)?.isOpen == false)
    }

    @Test("gives a connection's id to another one without its old senders' right")
    func replaced() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection(cursor: 4)))
        let new = a.replaced(by: try connection(cursor: 4))
        let b = try #require(acquire("b", at: 0).apply(to: new))
        #expect(advance(a, to: 9, at: 1).apply(to: b) == nil)
        #expect(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: b) != nil)
    }

    @Test("gives no lock before a viewer that opens with a resumption has said it")
    func awaiting() throws {
        let silent = Sample.connection(generation: 0)
        #expect(acquire("a", at: 0).apply(to: silent) == nil)
        let resumed = try #require(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: silent))
        #expect(acquire("a", at: 0).apply(to: resumed) != nil)
    }

    @Test("gives no lock on a record that has expired or is closed")
    func expired() throws {
        #expect(acquire("a", at: 1000).apply(to: try connection()) == nil)
        let closed = try #require(ConnectionUpdate.close.apply(to: try connection()))
        #expect(acquire("a", at: 0).apply(to: closed) == nil)
        #expect(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: closed) == nil)
    }
}

@Suite("A delivery")
struct DeliveryTests {
    private static func block(_ offsets: ClosedRange<UInt64>, ends: Bool = false) -> EventBlock? {
        var encoder = BlockEncoder(after: Offset(offsets.lowerBound - 1))
        for offset in offsets {
            if ends, offset == offsets.upperBound {
                encoder.appendEnd(ExecutionOutcome(status: .succeeded, exitCode: 0), timestamp: .epoch)
            } else {
                encoder.appendLine(LogLine(message: "\(offset)"), timestamp: .epoch)
            }
        }
        return encoder.finish()
    }

    private func found(_ block: EventBlock?, isEnded: Bool, head: UInt64 = 3) -> LogRead {
        LogRead(block: block, head: LogHead(offset: Offset(head), isEnded: isEnded))
    }

    private func locked(cursor: UInt64 = 0) throws -> ViewerConnection {
        let connection = ViewerConnection(
            execution: try #require(ExecutionID("e")), cursor: Offset(cursor), form: .lines, key: "k",
            connectedAt: .epoch, expiresAt: Timestamp(milliseconds: 1000))
        let lock = ConnectionUpdate.acquire(owner: "a", now: .epoch, lease: .milliseconds(100))
        return try #require(lock.apply(to: connection))
    }

    private func advanced(_ connection: ViewerConnection, to block: EventBlock) throws -> ViewerConnection {
        let step = ConnectionUpdate.advance(
            fence: connection.fence, from: connection.cursor, to: block.last, lastSeen: block.latest, now: .epoch,
            lease: .milliseconds(100))
        return try #require(step.apply(to: connection))
    }

    @Test("gives the lock back with the cursor's last step, where the log's head is reached")
    func lastStep() throws {
        var delivery = Delivery()
        let block = try #require(Self.block(1...3))
        let connection = try locked()
        _ = delivery.handle(.begin)
        _ = delivery.handle(.updated(connection))
        _ = delivery.handle(.read(found(block, isEnded: false)))
        #expect(
            delivery.handle(.posted)
                == .advance(fence: connection.fence, from: .zero, to: Offset(3), lastSeen: .epoch, then: .idle))
        let step = ConnectionUpdate.advance(
            fence: connection.fence, from: .zero, to: Offset(3), lastSeen: .epoch, now: .epoch, lease: nil)
        let free = try #require(step.apply(to: connection))
        #expect(free.lock == nil && free.cursor == Offset(3) && free.fence == connection.fence)
        #expect(delivery.handle(.updated(free)) == .finish(.idle))
    }

    @Test("posts before it moves the cursor, reads on, and releases when nothing is left")
    func order() throws {
        var delivery = Delivery()
        let block = try #require(Self.block(1...3))
        let connection = try locked()
        #expect(delivery.handle(.begin) == .acquire)
        #expect(delivery.handle(.updated(connection)) == .read(after: .zero))
        #expect(delivery.handle(.read(found(block, isEnded: false, head: 4))) == .post(block, generation: 0))
        #expect(
            delivery.handle(.posted) == .advance(fence: connection.fence, from: .zero, to: Offset(3), lastSeen: .epoch))
        #expect(delivery.handle(.updated(try advanced(connection, to: block))) == .read(after: Offset(3)))
        #expect(delivery.handle(.read(found(nil, isEnded: false))) == .release(fence: connection.fence, then: .idle))
        #expect(delivery.handle(.released) == .finish(.idle))
    }

    @Test("completes behind the end event, also when another sender has posted it")
    func end() throws {
        let block = try #require(Self.block(1...3, ends: true))
        var first = Delivery()
        _ = first.handle(.begin)
        let connection = try locked()
        _ = first.handle(.updated(connection))
        _ = first.handle(.read(found(block, isEnded: true)))
        _ = first.handle(.posted)
        #expect(first.handle(.updated(try advanced(connection, to: block))) == .conclude(fence: connection.fence))
        #expect(first.handle(.updated(connection)) == .close)
        #expect(first.handle(.closed) == .finish(.completed))
        var second = Delivery()
        _ = second.handle(.begin)
        let behind = try locked(cursor: 3)
        _ = second.handle(.updated(behind))
        #expect(second.handle(.read(found(nil, isEnded: true))) == .conclude(fence: behind.fence))
        #expect(second.handle(.refused) == .finish(.superseded))
    }

    @Test("does not take a log for sent whose head is further than what was read")
    func staleRead() throws {
        var delivery = Delivery()
        _ = delivery.handle(.begin)
        let connection = try locked(cursor: 2)
        _ = delivery.handle(.updated(connection))
        #expect(
            delivery.handle(.read(found(nil, isEnded: true))) == .release(fence: connection.fence, then: .retry))
    }

    @Test("goes back to the queue when another sender has the lock, and is over where no viewer is to be sent to")
    func held() {
        for (isServable, outcome) in [(true, Delivery.Outcome.retry), (false, .gone)] {
            var delivery = Delivery()
            _ = delivery.handle(.begin)
            #expect(delivery.handle(.refused) == .inspect)
            #expect(delivery.handle(.inspected(isServable: isServable)) == .finish(outcome))
        }
    }

    @Test("stops at once when it has lost the lock on the way")
    func superseded() throws {
        var delivery = Delivery()
        _ = delivery.handle(.begin)
        _ = delivery.handle(.updated(try locked()))
        _ = delivery.handle(.read(found(Self.block(1...2), isEnded: false)))
        _ = delivery.handle(.posted)
        #expect(delivery.handle(.refused) == .finish(.superseded))
    }

    @Test("leaves the cursor alone when the post failed, and lets the message come again")
    func postFailed() throws {
        var delivery = Delivery()
        let connection = try locked()
        _ = delivery.handle(.begin)
        _ = delivery.handle(.updated(connection))
        _ = delivery.handle(.read(found(Self.block(1...2), isEnded: false)))
        #expect(delivery.handle(.postFailed) == .release(fence: connection.fence, then: .retry))
        #expect(delivery.handle(.released) == .finish(.retry))
    }

    @Test("marks a viewer that is gone")
    func gone() throws {
        var delivery = Delivery()
        _ = delivery.handle(.begin)
        _ = delivery.handle(.updated(try locked()))
        _ = delivery.handle(.read(found(Self.block(1...2), isEnded: false)))
        #expect(delivery.handle(.gone) == .conclude(fence: 1))
        #expect(delivery.handle(.updated(try locked())) == .finish(.gone))
    }

    @Test("gives way when its turn is over", arguments: [true, false])
    func turn(byTime: Bool) throws {
        var delivery = Delivery(turn: byTime ? 100 : 1)
        let block = try #require(Self.block(1...2))
        let connection = try locked()
        _ = delivery.handle(.begin)
        _ = delivery.handle(.updated(connection))
        _ = delivery.handle(.read(found(block, isEnded: false)))
        #expect(
            delivery.handle(.posted, isTimeUp: byTime)
                == .advance(fence: connection.fence, from: .zero, to: Offset(2), lastSeen: .epoch, then: .yield))
        #expect(delivery.handle(.updated(try advanced(connection, to: block))) == .finish(.yield))
    }
}
