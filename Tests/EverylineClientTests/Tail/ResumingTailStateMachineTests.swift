import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A resuming tail's decisions") struct ResumingTailStateMachineTests {
    typealias Machine = ResumingTailStateMachine

    func machine(
        from start: StreamStart = .beginning, at location: String? = nil,
        _ change: (inout ResumingTail.Options) -> Void = { _ in }
    ) -> Machine {
        var options = ResumingTail.Options()
        change(&options)
        return Machine(from: start, at: location, options: options, seed: 7)
    }

    /// One that is connected and has received `lines`.
    func connected(_ lines: ClosedRange<UInt64> = 1...3) -> Machine {
        var machine = machine()
        #expect(machine.next() == .locate(.beginning))
        machine.take(.located("ws://a"))
        #expect(machine.next() == .open("ws://a", .beginning))
        machine.take(.connected)
        #expect(machine.next() == .read)
        machine.take(.read(.message(ByteBuffer(lines: Lines.lines(lines)))))
        guard case .tell(.events) = machine.next() else {
            Issue.record("the events were not told")
            return machine
        }
        return machine
    }

    /// The reconnection that is told next, past a close.
    func told(_ machine: inout Machine) -> Reconnection? {
        var action = machine.next()
        if action == .close { action = machine.next() }
        guard case .tell(.reconnecting(let reconnection)) = action else { return nil }
        return reconnection
    }

    @Test("end with the end event, hang up, and stay ended")
    func end() {
        var machine = connected()
        machine.take(.read(.message(ByteBuffer(lines: [Lines.end(4)]))))
        #expect(machine.next().block?.outcome == .failed3)
        #expect(machine.next() == .close)
        #expect(machine.next() == .tell(.ended(.failed3, isVerified: true)))
        #expect(machine.next() == .finish)
        #expect(machine.next() == .finish)
    }

    @Test("after a lost connection resume after the last event, at the same address")
    func lost() throws {
        var machine = connected()
        machine.take(.read(.lost("reset by peer")))
        #expect(machine.next() == .close)
        let reconnection = try #require(told(&machine))
        #expect(reconnection.reason == "reset by peer")
        #expect(reconnection.after == Offset(3))
        #expect(reconnection.delay > .zero)
        #expect(machine.next() == .wait(reconnection.delay))
        machine.take(.waited)
        #expect(machine.next() == .open("ws://a", .after(Offset(3))))
        machine.take(.connected)
        #expect(machine.next() == .read)
        machine.take(.read(.message(ByteBuffer(lines: [Lines.line(4)]))))
        #expect(machine.next() == .tell(.resumed(after: Offset(3))))
        #expect(machine.next().block?.first == Offset(4))
        #expect(machine.next() == .read)
    }

    @Test(
        "say that nothing is missing with the first message of the new connection, whatever it holds",
        arguments: [Lines.heartbeat(3), Lines.line(3), #"{"type":"notice","code":"slow","message":"m"}"#, ""])
    func confirmed(message: String) {
        var machine = connected()
        machine.take(.read(.lost("gone")))
        _ = told(&machine)
        machine.take(.waited)
        machine.take(.connected)
        machine.take(.read(.message(ByteBuffer(string: message))))
        #expect(machine.next() == .tell(.resumed(after: Offset(3))))
        machine.take(.read(.message(ByteBuffer(string: message))))
        while case let action = machine.next(), action != .read { #expect(action != .tell(.resumed(after: Offset(3)))) }
    }

    @Test("say of a connection that is lost before it has brought anything only that it is lost")
    func unconfirmed() throws {
        var machine = connected()
        for _ in 1...3 {
            machine.take(.read(.lost("gone")))
            #expect(machine.next() == .close)
            #expect(try #require(told(&machine)).after == Offset(3))
            machine.take(.waited)
            machine.take(.connected)
        }
    }

    @Test("after 1001 come back at once, but only once in a row")
    func goingAway() throws {
        var machine = connected()
        machine.take(.read(.closed(code: 1001, reason: "")))
        #expect(try #require(told(&machine)).delay == .zero)
        #expect(machine.next() == .wait(.zero))
        machine.take(.waited)
        _ = machine.next()
        machine.take(.connected)
        _ = machine.next()
        machine.take(.read(.closed(code: 1001, reason: "")))
        #expect(try #require(told(&machine)).delay > .zero)
    }

    @Test("after 1013 leave the server alone for a while")
    func overloaded() throws {
        var machine = connected()
        machine.take(.read(.closed(code: 1013, reason: "")))
        #expect(try #require(told(&machine)).delay >= .seconds(1))
    }

    @Test("give up when the server says that it won't", arguments: [(1008, "forbidden"), (4404, "unknown_execution")])
    func notAllowed(code: UInt16, problem: String) {
        var machine = connected()
        machine.take(.read(.closed(code: code, reason: "no")))
        #expect(machine.next() == .close)
        let error = machine.next().refusal
        #expect(error?.code == problem)
        #expect(error?.detail == "no")
    }

    @Test("after a close without the end event ask how the execution stands, and go on if it isn't proved")
    func closedWithoutEnd() throws {
        for tail in [
            TailState(outcome: nil, head: Offset(3)), TailState(outcome: .failed3, head: Offset(9)),
            TailState(outcome: .failed3, head: Offset(3)),
        ] {
            var machine = connected()
            machine.take(.read(.closed(code: 1000, reason: "")))
            #expect(machine.next() == .close)
            #expect(machine.next() == .askState())
            machine.take(.state(tail))
            #expect(try #require(told(&machine)).after == Offset(3))
        }
    }

    @Test("end unverified only where the start lies behind the end", arguments: [9, 10, 11] as [UInt64])
    func behindTheEnd(start: UInt64) {
        var machine = machine(from: .after(Offset(start)), at: "ws://a")
        #expect(machine.next() == .open("ws://a", .after(Offset(start))))
        machine.take(.connected)
        machine.take(.read(.closed(code: 1000, reason: "")))
        #expect(machine.next() == .close)
        machine.take(.state(TailState(outcome: .failed3, head: Offset(10))))
        if start < 10 {
            #expect(told(&machine) != nil)
        } else {
            #expect(machine.next() == .tell(.ended(.failed3, isVerified: false)))
            #expect(machine.next() == .finish)
        }
    }

    @Test("take no end for theirs that the log has since a backup was put back", arguments: [true, false])
    func endOfAnotherIncarnation(isDownload: Bool) throws {
        let start: StreamStart = isDownload ? .notOlderThan(.epoch) : .after(Offset(10))
        let (old, new) = (try #require(Incarnation("i0")), try #require(Incarnation("i1")))
        var machine = machine(from: start)
        #expect(machine.next() == .locate(start))
        machine.take(isDownload ? .downloading(in: old) : .located("ws://a", in: old))
        if !isDownload { machine.take(.connected) }
        machine.take(.read(.closed(code: 1000, reason: "")))
        #expect(machine.next() == .close)
        #expect(machine.next() == .askState(knowing: old))
        let restored = APIError(
            status: 409, code: Problem.Code.otherIncarnation.rawValue, detail: "no",
            restoration: Restoration(to: new, base: Offset(2)))
        machine.take(.failed(.refused(restored)))
        #expect(machine.next() == .close)
        #expect(machine.next() == .tell(.restored(after: Offset(2), known: nil)))
        #expect(told(&machine) != nil)
        machine.take(.waited)
        #expect(machine.next() == .locate(isDownload ? start : .after(Offset(2)), knowing: new))
    }

    @Test("that began at a time don't take a silent stream's word that nothing follows it; a download's they do")
    func timeBehindTheEnd() throws {
        let start = StreamStart.notOlderThan(.epoch)
        let tail = Machine.Input.state(TailState(outcome: .failed3, head: Offset(10)))
        var machine = machine(from: start, at: "ws://a")
        #expect(machine.next() == .open("ws://a", start))
        machine.take(.connected)
        machine.take(.read(.closed(code: 1000, reason: "")))
        #expect(machine.next() == .close)
        machine.take(tail)
        #expect(told(&machine) != nil)
        machine.take(.waited)
        #expect(machine.next() == .locate(start))
        machine.take(.connected)
        machine.take(.read(.closed(code: 1000, reason: "")))
        #expect(machine.next() == .close)
        machine.take(tail)
        #expect(machine.next() == .tell(.ended(.failed3, isVerified: false)))
    }

    @Test("ask for a new token when the old one is refused, at once the first time")
    func refusedToken() throws {
        var machine = connected()
        machine.take(.read(.lost("gone")))
        _ = told(&machine)
        machine.take(.waited)
        let refusal = Machine.Input.failed(.refused(APIError(status: 401, code: "unauthorized", detail: "")))
        machine.take(refusal)
        #expect(machine.next() == .locate(.after(Offset(3))))
        machine.take(.located("ws://b"))
        #expect(machine.next() == .open("ws://b", .after(Offset(3))))
        machine.take(refusal)
        #expect(try #require(told(&machine)).delay > .zero)
        machine.take(.waited)
        #expect(machine.next() == .locate(.after(Offset(3))))
        // Now it is the API key that is refused.
        machine.take(refusal)
        #expect(machine.next().refusal != nil)
    }

    @Test("give up after a bounded number of tries for the first connection")
    func unreachable() {
        var machine = machine { $0.startAttempts = 3 }
        for _ in 1...2 {
            #expect(machine.next() == .locate(.beginning))
            machine.take(.failed(.unreachable("refused")))
            #expect(told(&machine) != nil)
            _ = machine.next()
            machine.take(.waited)
        }
        machine.take(.failed(.unreachable("refused")))
        #expect(machine.next() == .fail(.unreachable("refused")))
    }

    @Test("try for as long as it takes once a connection has stood")
    func tireless() throws {
        var machine = connected()
        machine.take(.read(.lost("gone")))
        for failures in 1...200 {
            let reconnection = try #require(told(&machine))
            #expect(reconnection.failures == failures)
            #expect(reconnection.delay <= .seconds(10))
            _ = machine.next()
            machine.take(.waited)
            let action = machine.next()
            #expect(action == .open("ws://a", .after(Offset(3))) || action == .locate(.after(Offset(3))))
            machine.take(.failed(.unreachable("refused")))
        }
    }

    @Test("begin counting anew when anything valid has come", arguments: [Lines.line(4), Lines.heartbeat(3)])
    func progress(line: String) throws {
        var machine = connected()
        for _ in 1...5 {
            machine.take(.read(.lost("gone")))
            _ = told(&machine)
            machine.take(.waited)
        }
        machine.take(.connected)
        machine.take(.read(.message(ByteBuffer(string: line))))
        machine.take(.read(.lost("gone")))
        var last: Reconnection?
        while case let action = machine.next(), action != .wait(last?.delay ?? .zero) {
            if case .tell(.reconnecting(let reconnection)) = action { last = reconnection }
        }
        #expect(last?.failures == 1)
    }

    @Test("reconnect at a hole, and say so in the end if it stays")
    func holes() throws {
        var machine = connected()
        for _ in 1..<ResumingTail.Options().faultLimit {
            machine.take(.read(.message(ByteBuffer(lines: [Lines.line(5)]))))
            #expect(machine.next() == .close)
            #expect(try #require(told(&machine)).after == Offset(3))
            machine.take(.waited)
            machine.take(.connected)
            #expect(machine.next() == .read)
        }
        machine.take(.read(.message(ByteBuffer(lines: [Lines.line(5)]))))
        #expect(machine.next() == .close)
        let hole = StreamFault.hole(wanted: Offset(4), got: Offset(5))
        #expect(machine.next() == .fail(.unproven(hole, after: Offset(3))))
    }

    @Test("give out what stands before a hole first")
    func beforeHole() {
        var machine = connected()
        machine.take(.read(.message(ByteBuffer(lines: [Lines.line(4), Lines.line(6)]))))
        #expect(machine.next().block?.last == Offset(4))
        #expect(machine.next() == .close)
        #expect(told(&machine)?.after == Offset(4))
    }

    @Test("hang up on a server that twice in a row speaks of events and doesn't send them")
    func heldBack() {
        var machine = connected()
        let heartbeat = Machine.Input.read(.message(ByteBuffer(string: Lines.heartbeat(4))))
        machine.take(heartbeat)
        #expect(machine.next() == .read)
        machine.take(heartbeat)
        #expect(machine.next() == .close)
        #expect(told(&machine) != nil)
    }

    @Test("don't trust a log that has become shorter")
    func wentBack() {
        var machine = connected()
        machine.take(.read(.message(ByteBuffer(string: Lines.heartbeat(2)))))
        #expect(machine.next() == .close)
        #expect(told(&machine)?.reason.contains("ends with 2, but 3 was received") == true)
    }

    @Test("take a proxy's error page for a passing failure only once a connection has stood")
    func proxy() {
        let page = Machine.Input.failed(.refused(APIError(status: 404, code: "http_404", detail: "Not Found")))
        var before = machine()
        before.take(page)
        #expect(before.next().refusal != nil)
        var after = connected()
        after.take(.read(.lost("gone")))
        _ = told(&after)
        after.take(.waited)
        after.take(page)
        #expect(told(&after) != nil)
    }

    @Test("from a time repeat the time until the first event is there, then its offset")
    func fromTime() {
        let start = StreamStart.notOlderThan(Timestamp(milliseconds: 5))
        var machine = machine(from: start, at: "ws://a")
        machine.take(.connected)
        machine.take(.read(.lost("gone")))
        _ = told(&machine)
        machine.take(.waited)
        #expect(machine.next() == .open("ws://a", start))
        machine.take(.connected)
        machine.take(.read(.message(ByteBuffer(lines: [Lines.line(41)]))))
        machine.take(.read(.lost("gone")))
        while case let action = machine.next(), action != .close { _ = action }
        _ = told(&machine)
        machine.take(.waited)
        #expect(machine.next() == .open("ws://a", .after(Offset(41))))
    }
}

extension ResumingTailStateMachine.Action {
    fileprivate var block: ReceivedBlock? { if case .tell(.events(let block)) = self { block } else { nil } }
    fileprivate var refusal: APIError? { if case .fail(.refused(let error)) = self { error } else { nil } }
}
