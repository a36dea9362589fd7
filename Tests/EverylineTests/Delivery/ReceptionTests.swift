import Everyline
import EverylineTesting
import Testing

@Suite("A reception")
struct ReceptionTests {
    private let lease = Duration.milliseconds(100)
    private let now = Timestamp(milliseconds: 500)

    private func began(_ message: ViewerMessage) -> (reception: Reception, action: Reception.Action) {
        var reception = Reception(of: message, lease: lease)
        let action = reception.handle(.begin(now: now))
        return (reception, action)
    }

    private func head(_ offset: UInt64, isEnded: Bool = false) -> LogHead {
        LogHead(offset: Offset(offset), isEnded: isEnded)
    }

    @Test("writes a resumption, rings, and only then acknowledges")
    func resume() {
        let message = ViewerMessage.resume(generation: 2, after: Offset(7))
        var (reception, action) = began(message)
        #expect(action == .update(.resume(generation: 2, after: Offset(7))))
        #expect(reception.handle(.updated(Sample.connection())) == .ring)
        #expect(reception.handle(.rung) == .readHead)
        #expect(reception.handle(.head(head(9))) == .answer(.resumed(generation: 2, head: Offset(9))))
        #expect(reception.handle(.answered) == .finish(.done))
    }

    @Test("rings again for a resumption that is said again, and ignores one that is late")
    func repetition() throws {
        let resumption = ConnectionUpdate.resume(generation: 2, after: Offset(7))
        let resumed = try #require(resumption.apply(to: Sample.connection()))
        var (again, _) = began(.resume(generation: 2, after: Offset(7)))
        #expect(again.handle(.refused) == .readConnection)
        #expect(again.handle(.connection(resumed)) == .ring)
        var (late, _) = began(.resume(generation: 1, after: Offset(3)))
        _ = late.handle(.refused)
        #expect(late.handle(.connection(resumed)) == .finish(.done))
    }

    @Test("closes a connection whose record is gone, closed or expired")
    func close() throws {
        let closed = try #require(ConnectionUpdate.close.apply(to: Sample.connection()))
        for record in [nil, closed, Sample.connection(expiresAt: 500)] {
            for message in [ViewerMessage.resume(generation: 1, after: .zero), .ping(have: .zero)] {
                var (reception, action) = began(message)
                if action != .readConnection { _ = reception.handle(.refused) }
                #expect(reception.handle(.connection(record)) == .close)
                #expect(reception.handle(.closed) == .finish(.done))
            }
        }
    }

    @Test("closes a connection whose viewer pings, and was never heard to resume: nothing would be sent to it")
    func unheard() {
        var (reception, _) = began(.ping(have: .zero))
        #expect(reception.handle(.connection(Sample.connection(generation: 0))) == .close)
    }

    @Test("rings at a ping where something waits and no sender has the lock, and answers with the head")
    func watchdog() throws {
        let behind = Sample.connection(cursor: 3)
        let lock = ConnectionUpdate.acquire(owner: "a", now: Timestamp(milliseconds: 401), lease: lease)
        let locked = try #require(lock.apply(to: behind))
        let over = ConnectionUpdate.acquire(owner: "a", now: Timestamp(milliseconds: 400), lease: lease)
        let expired = try #require(over.apply(to: behind))
        let cases: [(ViewerConnection, LogHead, Bool)] = [
            (behind, head(4), true), (behind, head(3), false), (behind, head(3, isEnded: true), true),
            (locked, head(4), false), (expired, head(4), true),
        ]
        for (connection, head, rings) in cases {
            var (reception, action) = began(.ping(have: Offset(3)))
            #expect(action == .readConnection)
            #expect(reception.handle(.connection(connection)) == .readHead)
            action = reception.handle(.head(head))
            #expect((action == .ring) == rings)
            if rings { action = reception.handle(.rung) }
            #expect(action == .answer(.heartbeat(head: head.offset)))
            // Where the viewer has everything and the log has no end, the producer is looked at: is one to come?
            let waits = connection.cursor == head.offset && !head.isEnded
            #expect(reception.handle(.answered) == (waits ? .look : .finish(.done)))
            if waits { #expect(reception.handle(.looked) == .finish(.done)) }
        }
    }

    @Test("that a port fails is over; the viewer says it again")
    func failure() {
        var (reception, _) = began(.resume(generation: 1, after: .zero))
        #expect(reception.handle(.failed) == .finish(.failed))
    }
}
