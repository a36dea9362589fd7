import Everyline
import EverylineClient
import NIOCore
import Testing

// What a tail decides when the server's data were restored from a backup.
extension ResumingTailStateMachineTests {
    @Test("after a restore forget what is void, and ask for the log anew in the incarnation of now")
    func restored() throws {
        let line = #"{"type":"notice","code":"other_incarnation","message":"m","incarnation":"i2","base":2}"#
        let now = try #require(Incarnation("i2"))
        var machine = connected()
        machine.take(.read(.message(ByteBuffer(string: line))))
        #expect(machine.next() == .close)
        #expect(machine.next() == .tell(.restored(after: Offset(2), known: Offset(3))))
        #expect(told(&machine)?.after == Offset(2))
        #expect(machine.next() == .wait(.zero))
        machine.take(.waited)
        #expect(machine.next() == .locate(.after(Offset(2)), knowing: now))
        machine.take(.located("ws://b", in: now))
        #expect(machine.next() == .open("ws://b", .after(Offset(2)), knowing: now))
        machine.take(.connected)
        machine.take(.read(.message(ByteBuffer(lines: Lines.lines(3...4)))))
        #expect(machine.next() == .tell(.resumed(after: Offset(2))))
        guard case .tell(.events(let block)) = machine.next() else {
            Issue.record("no events were told")
            return
        }
        #expect(block.first == Offset(3))
    }

    @Test("say of a new connection that brings a restore's notice that it is restored, never that nothing is missing")
    func restoredAtOnce() throws {
        let line = #"{"type":"notice","code":"other_incarnation","message":"m","incarnation":"i2","base":2}"#
        var machine = connected()
        machine.take(.read(.lost("the server is gone")))
        _ = told(&machine)
        machine.take(.waited)
        machine.take(.connected)
        machine.take(.read(.message(ByteBuffer(string: line))))
        #expect(machine.next() == .close)
        #expect(machine.next() == .tell(.restored(after: Offset(2), known: Offset(3))))
        #expect(told(&machine)?.after == Offset(2))
    }

    @Test("by the logs endpoint's refusal learn of a restore as by the stream")
    func refusedByIncarnation() throws {
        let restoration = Restoration(to: try #require(Incarnation("i2")), base: Offset(5))
        var machine = connected()
        machine.take(.read(.lost("the server is gone")))
        _ = told(&machine)
        machine.take(.waited)
        machine.take(
            .failed(
                .refused(
                    APIError(
                        status: 409, code: "other_incarnation", detail: "d", head: Offset(9), restoration: restoration))
            ))
        #expect(machine.next() == .close)
        #expect(machine.next() == .tell(.restored(after: Offset(5), known: Offset(3))))
        #expect(told(&machine)?.after == Offset(3))
        machine.take(.waited)
        #expect(machine.next() == .locate(.after(Offset(3)), knowing: restoration.incarnation))
    }

    @Test("don't turn in circles with a server that names the same incarnation again and again")
    func contradiction() throws {
        let restoration = Restoration(to: try #require(Incarnation("i2")), base: Offset(2))
        let refusal = APIError(status: 409, code: "other_incarnation", detail: "d", restoration: restoration)
        var machine = connected()
        machine.take(.failed(.refused(refusal)))
        var delays: [Duration] = []
        while delays.count < 5 {
            guard case .wait(let delay) = machine.next() else { continue }
            delays.append(delay)
            machine.take(.waited)
            machine.take(.failed(.refused(refusal)))
        }
        #expect(delays.dropFirst().allSatisfy { $0 > .zero })
    }
}
