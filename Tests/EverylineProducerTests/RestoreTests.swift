import Everyline
import EverylineRunner
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineProducer

/// How a producer goes on after its server was restored from a backup.
@Suite("An uplink to a restored server")
struct RestoreTests {
    private let directory: TemporaryDirectory
    private let server = MemoryServer()
    private let clock = InstantClock()

    init() throws {
        directory = try TemporaryDirectory()
        server.begin(in: try incarnation(1))
    }

    private func incarnation(_ number: Int) throws -> Incarnation { try #require(Incarnation("i\(number)")) }

    private func spool(limits: Spool.Limits = .init()) throws -> Spool {
        try Spool(in: directory.path + "/spool", limits: limits)
    }

    private func uplink(_ spool: Spool) -> Uplink {
        Uplink(
            spool: spool, endpoint: server.endpoint, policy: RetryPolicy(), clock: clock,
            now: { Timestamp(milliseconds: 5) }, willRetry: { _ in })
    }

    /// Runs `body` while an uplink delivers, then ends the log, which the server takes.
    private func delivering(_ spool: Spool, _ body: () async throws -> Void) async throws {
        async let conclusion = uplink(spool).run()
        try await body()
        spool.write(endEvent, count: 1, isEnd: true)
        #expect(try await conclusion == .delivered)
    }

    /// Writes lines and waits until the server has all that was written.
    private func deliver(_ spool: Spool, _ numbers: ClosedRange<Int>) async throws {
        for number in numbers { spool.write(event("line \(number)"), count: 1) }
        while spool.delivered < spool.last { await Task.yield() }
    }

    /// The log as its lines' numbers and its notices' codes.
    private var log: [String] {
        server.lines.map { line in
            if isEnd(line) { return "end" }
            return field("code", in: line) ?? field("message", in: line)?.split(separator: " ").last.map(String.init)
                ?? "?"
        }
    }

    private func numbers(_ range: ClosedRange<Int>) -> [String] { range.map { "\($0)" } }

    @Test("says that it was, and sends again what the backup lacks")
    func restored() async throws {
        let spool = try spool()
        try await delivering(spool) {
            try await deliver(spool, 1...6)
            let backup = server.backup
            try await deliver(spool, 7...10)
            server.restore(backup, as: try incarnation(2))
            try await deliver(spool, 11...12)
        }
        #expect(log == numbers(1...6) + ["restored"] + numbers(7...12) + ["end"])
    }

    @Test("says it also while nothing is written, once the server is asked whether to stop")
    func silence() async throws {
        let spool = try spool()
        let recorder = Recorder(spool: spool, lineLimit: 1000, now: { Timestamp(milliseconds: 5) })
        let session = ProducerSession(uplink(spool), recorder: recorder, stop: StopSignal())
        let backup = server.backup
        _ = try await session.run { [server] in
            try await deliver(spool, 1...3)
            server.restore(backup, as: try incarnation(2))
            server.answerControl()
            while self.log != ["restored", "1", "2", "3"] { await Task.yield() }
            spool.write(endEvent, count: 1, isEnd: true)
        }
        #expect(log == ["restored", "1", "2", "3", "end"])
    }

    @Test("names how many events it doesn't have any more")
    func lost() async throws {
        let spool = try spool(limits: .init(segment: 1))
        var missing: UInt64 = 0
        try await delivering(spool) {
            try await deliver(spool, 1...2)
            let backup = server.backup
            try await deliver(spool, 3...9)
            while spool.acknowledged < Offset(8) { await Task.yield() }
            missing = spool.acknowledged.rawValue - 2
            server.restore(backup, as: try incarnation(2))
            try await deliver(spool, 10...11)
        }
        let kept = numbers(Int(missing) + 3...11)
        #expect(log == numbers(1...2) + ["restored", "lines_lost"] + kept + ["end"])
        #expect(server.lines[3].contains("\(missing) events are missing"))
    }

    @Test("names what the machine lost too, though an older file is still there")
    func lostByMachine() async throws {
        let backup = server.backup
        var sent = ByteBuffer()
        for number in 1...5 { sent.writeImmutableBuffer(event("line \(number)")) }
        _ = try await server.endpoint.append(sent, .zero, nil)
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        for number in 1...3 { spool.write(event("line \(number)"), count: 1) }
        disk.setMayRemove(false)
        try await delivering(spool) {
            while spool.delivered < Offset(5) { await Task.yield() }
            try await deliver(spool, 6...6)
            server.restore(backup, as: try incarnation(2))
            spool.write(event("line 7"), count: 1)
            while spool.place.incarnation != (try incarnation(2)) { await Task.yield() }
            disk.setMayRemove(true)
        }
        #expect(log == ["restored", "lines_lost", "6", "7", "end"])
        #expect(server.lines[1].contains("5 events are missing"))
    }

    @Test("keeps count through one restore after the other, also to what came before an earlier one, and tells of each")
    func again() async throws {
        let spool = try spool()
        try await delivering(spool) {
            try await deliver(spool, 1...3)
            let first = server.backup
            try await deliver(spool, 4...5)
            server.restore(first, as: try incarnation(2))
            try await deliver(spool, 6...8)
            let second = server.backup
            try await deliver(spool, 9...10)
            server.restore(second, as: try incarnation(3))
            try await deliver(spool, 11...12)
            #expect(log == numbers(1...3) + ["restored"] + numbers(4...8) + ["restored"] + numbers(9...12))
            // This backup knows of neither of the two, whose notices are void.
            server.restore(first, as: try incarnation(4))
            try await deliver(spool, 13...14)
        }
        #expect(log == numbers(1...3) + ["restored"] + numbers(4...14) + ["end"])
        #expect(server.lines[3].contains("restored from backups, 3 times"))
    }

    @Test("tells of the restores that it has not met, too")
    func unmet() async throws {
        let spool = try spool()
        try await delivering(spool) {
            try await deliver(spool, 1...2)
            server.restore(server.backup, as: try incarnation(2))
            server.restore(server.backup, as: try incarnation(3))
            try await deliver(spool, 3...4)
        }
        #expect(log == numbers(1...2) + ["restored"] + numbers(3...4) + ["end"])
        #expect(server.lines[2].contains("restored from backups, 2 times"))
    }

    @Test("that takes it no more leaves what is here for another log, which says where it comes from")
    func anew() async throws {
        let spool = try spool(limits: .init(segment: 1))
        spool.begin(in: try incarnation(1))
        for number in 1...9 { spool.write(event("line \(number)"), count: 1) }
        spool.acknowledge(through: Offset(4))
        spool.write(endEvent, count: 1, isEnd: true)
        server.begin(in: try incarnation(7))
        try await spool.begin(anewIn: try incarnation(7), after: Sample.id("former"), on: clock)
        #expect(try await uplink(spool).runForLostProcess() == .delivered)
        #expect(log == ["recovered"] + numbers(5...9) + ["end"])
        #expect(server.lines[0].contains("log of former") && server.lines[0].contains("4 of them"))
    }

    @Test("is followed by a successor that keeps the shift")
    func successor() async throws {
        var spool: Spool? = try spool()
        let backup = server.backup
        let first = Task { [spool, uplink] in if let spool { _ = try await uplink(spool).run() } }
        if let spool { try await deliver(spool, 1...3) }
        server.restore(backup, as: try incarnation(2))
        if let spool { try await deliver(spool, 4...5) }
        first.cancel()
        _ = await first.result
        spool?.write(event("line 6"), count: 1)
        spool = nil
        #expect(try await uplink(try self.spool()).runForLostProcess() == .delivered)
        #expect(log == ["restored"] + numbers(1...6) + ["runner_lost", "end"])
    }

    @Test("ends at what the server has ended")
    func ended() async throws {
        let spool = try spool()
        async let conclusion = uplink(spool).run()
        try await deliver(spool, 1...3)
        var backup = server.backup
        let other = MemoryServer(lines: server.lines + [String(buffer: endEvent).dropLast().description])
        other.begin(in: try incarnation(1))
        backup = other.backup
        server.restore(backup, as: try incarnation(2))
        spool.write(event("line 4"), count: 1)
        guard case .refused(let error) = try await conclusion else {
            Issue.record("it was delivered")
            return
        }
        #expect(error.knownCode == .ended)
    }
}

@Suite("A spool's place in the log")
struct LogPlaceTests {
    /// What stands at an offset of a log.
    private enum Event: Equatable {
        case number(UInt64)
        case notice(Int)
    }

    @Test("is right after any series of restores", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var place = LogPlace()
        var log: [Event] = []
        var written: UInt64 = 0
        var available: UInt64 = 0
        /// Backups: the log then.
        var backups: [[Event]] = []
        for step in 0..<12 {
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                written += 1
                log.append(.number(written))
            }
            backups.append(log)
            available = UInt64.random(in: available...written, using: &generator)
            guard Bool.random(using: &generator), let backup = backups.randomElement(using: &generator) else {
                continue
            }
            let base = Offset(UInt64(backup.count))
            log = backup
            let incarnation = try #require(Incarnation("i\(step)"))
            place.move(to: Restoration(to: incarnation, base: base), available: Offset(available))
            let next = place.number(at: place.offset(of: .zero)).rawValue
            let notices = try #require(place.notices(after: base, at: .epoch))
            log += Array(repeating: .notice(step), count: String(buffer: notices).split(separator: "\n").count)
            if next < written { log += (next + 1...written).map(Event.number) }
            backups = backups.filter { log.starts(with: $0) }
            for (index, event) in log.enumerated() {
                guard case .number(let number) = event else { continue }
                #expect(place.number(at: Offset(UInt64(index) + 1)) == Offset(number))
                if number > next { #expect(place.offset(of: Offset(number)) == Offset(UInt64(index) + 1)) }
            }
        }
        #expect(LogPlace(stored: try place.stored()) == place)
    }

    @Test(
        "that can't have been written is none",
        arguments: [
            "", "{", "{\"lives\":[]}",
            "{\"lives\":[{\"base\":1,\"notices\":9,\"resumed\":0,\"lost\":0}]}",
        ])
    func damage(text: String) { #expect(LogPlace(stored: ByteBuffer(string: text)) == nil) }
}
