import Everyline
import EverylineClient
import EverylineTesting
import NIOCore
import Testing

@Suite("A resuming tail") struct ResumingTailTests {
    private let clock = InstantClock()

    private func tail(_ server: ScriptedServer, from start: StreamStart = .beginning) -> ResumingTail {
        ResumingTail(from: start, options: .init(), endpoint: server.endpoint, clock: clock, seed: { 1 })
    }

    private func message(_ lines: [String]) -> TailReading { .message(ByteBuffer(lines: lines)) }

    @Test("gives every event once, in order, across every kind of disconnect")
    func acrossDisconnects() async throws {
        let refused = TailFailure.refused(APIError(status: 401, code: "unauthorized", detail: "expired"))
        let server = ScriptedServer([
            .locate(.success(.stream("ws://a"))),
            .open(.success([message(Lines.lines(1...2)), .closed(code: 1001, reason: "")])),
            .open(.failure(.unreachable("restarting"))),
            .open(.failure(refused)),
            .locate(.success(.stream("ws://b"))),
            .open(.success([message(Lines.lines(2...4)), message([Lines.line(6)])])),
            .open(.success([message(Lines.lines(5...6)), .lost("reset")])),
            .open(.success([message([Lines.heartbeat(6)]), .closed(code: 1000, reason: "")])),
            .state(.success(TailState(outcome: nil, head: Offset(6)))),
            .open(.success([message([Lines.line(7), Lines.end(8)])])),
        ])
        var offsets: [UInt64] = []
        var resumed: [Offset?] = []
        var ended: [TailUpdate] = []
        for try await update in tail(server) {
            switch update {
            case .events(let block): offsets += try block.events().map(\.offset.rawValue)
            case .resumed(let after): resumed.append(after)
            case .ended: ended.append(update)
            case .reconnecting, .notice, .pending, .way, .restored: break
            }
        }
        #expect(offsets == Array(1...8))
        #expect(resumed == [2, 4, 6, 6].map { Offset($0) })
        #expect(ended == [.ended(.failed3, isVerified: true)])
        #expect(server.isDone)
        #expect(server.closed == 5)
        #expect(
            server.asked == [
                "locate after 0", "open ws://a after 0", "open ws://a after 2", "open ws://a after 2", "locate after 2",
                "open ws://b after 2", "open ws://b after 4", "open ws://b after 6", "state", "open ws://b after 6",
            ])
    }

    @Test("reads an ended log as a download, and goes on where one broke")
    func download() async throws {
        let server = ScriptedServer([
            .locate(.success(.download([message(Lines.lines(1...3)), .lost("cut")]))),
            .locate(.success(.download([message([Lines.line(4), Lines.end(5)]), .closed(code: 1000, reason: "")]))),
        ])
        var last: TailUpdate?
        var count = 0
        for try await update in tail(server) {
            if case .events(let block) = update { count += block.count }
            last = update
        }
        #expect(count == 5)
        #expect(last == .ended(.failed3, isVerified: true))
        #expect(server.asked == ["locate after 0", "locate after 3"])
    }

    @Test("asks for the rest of a download that comes in parts, and doesn't report it")
    func parts() async throws {
        let server = ScriptedServer([
            .locate(.success(.download([message(Lines.lines(1...3)), .partComplete]))),
            .locate(.success(.download([message([Lines.line(4), Lines.end(5)]), .closed(code: 1000, reason: "")]))),
        ])
        var updates: [TailUpdate] = []
        for try await update in tail(server) { updates.append(update) }
        #expect(updates.count == 3)
        #expect(updates.last == .ended(.failed3, isVerified: true))
        #expect(server.asked == ["locate after 0", "locate after 3"])
    }

    @Test("doesn't ask for ever where a part holds nothing")
    func emptyParts() async {
        let server = ScriptedServer(Array(repeating: .locate(.success(.download([.partComplete]))), count: 8))
        await #expect(throws: TailError.unproven(.noEnd, after: .zero)) {
            for try await _ in tail(server) {}
        }
    }

    @Test("never ends well without the end event, wherever the stream stops", arguments: 0...4)
    func neverUnproven(received: Int) async throws {
        let lines = (1...4).prefix(received).map { Lines.line(UInt64($0)) }
        let readings = (lines.isEmpty ? [] : [message(lines)]) + [TailReading.closed(code: 1000, reason: "")]
        let state = TailState(outcome: .failed3, head: Offset(5))
        var steps: [ScriptedServer.Step] = []
        for _ in 1...8 {
            steps += [.locate(.success(.stream("ws://a"))), .open(.success(readings)), .state(.success(state))]
        }
        // Of a log that has ended, a download is asked for each time.
        let server = ScriptedServer(steps)
        let fault = TailError.unproven(.noEnd, after: Offset(UInt64(received)))
        await #expect(throws: fault) {
            for try await update in tail(server) {
                if case .ended = update { Issue.record("it ended") }
            }
        }
    }

    @Test("says what the server says beside the log")
    func notices() async throws {
        let notice = #"{"type":"notice","code":"slow","message":"You are slow."}"#
        let server = ScriptedServer([
            .locate(.success(.stream("ws://a"))),
            .open(.success([message([notice]), message([Lines.end(1)])])),
        ])
        var iterator = tail(server).makeAsyncIterator()
        #expect(try await iterator.next() == .notice("You are slow. (slow)"))
    }

    @Test("waits between tries, longer and longer")
    func backOff() async throws {
        let server = ScriptedServer(
            [.locate(.success(.stream("ws://a"))), .open(.success([message([Lines.line(1)])]))]
                + (1...2).map { _ in .open(.failure(.unreachable("no"))) }
                + [.locate(.failure(.unreachable("no"))), .locate(.success(.stream("ws://a")))]
                + [.open(.success([message([Lines.end(2)])]))])
        for try await _ in tail(server) {}
        #expect(server.isDone)
        #expect(clock.sleeps.count == 4)
        #expect(clock.sleeps[3] > clock.sleeps[0] * 3)
    }

    @Test("that was cancelled throws, and doesn't take the cut stream for a complete one")
    func cancelled() async {
        let server = ScriptedServer([
            .locate(.success(.stream("ws://a"))), .open(.success([.closed(code: 1000, reason: "")])),
        ])
        let task = Task { [tail = tail(server)] in
            withUnsafeCurrentTask { $0?.cancel() }
            for try await _ in tail {}
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
