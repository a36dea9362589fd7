import Everyline
import EverylineTesting
import Testing

@Suite("A connection's update")
struct ConnectionUpdateTests {
    private let lease = Duration.milliseconds(100)

    private func connection(cursor: UInt64 = 0) throws -> ViewerConnection {
        ViewerConnection(
            execution: try #require(ExecutionID("e")), cursor: Offset(cursor), encoding: .lines, key: "k",
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

    @Test("is finished by no sender whose viewer resumed meanwhile")
    func finish() throws {
        let a = try #require(acquire("a", at: 0).apply(to: connection()))
        let resumed = try #require(ConnectionUpdate.resume(generation: 1, after: .zero).apply(to: a))
        #expect(ConnectionUpdate.finish(fence: a.fence).apply(to: resumed) == nil)
        #expect(ConnectionUpdate.finish(fence: a.fence).apply(to: a)?.isOpen == false)
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
