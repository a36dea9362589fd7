import Everyline
import EverylineRunner
import EverylineTesting
import Foundation
import NIOCore
import Testing

@testable import EverylineProducer

@Suite("A spool") struct SpoolTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private var path: String { directory.path + "/spool" }

    private func open(_ limits: Spool.Limits = .init()) throws -> Spool {
        try Spool(in: path, limits: limits)
    }

    private func text(_ spool: Spool, after offset: Offset, limit: ByteCount = .mebibytes(1)) throws -> [String] {
        var texts: [String] = []
        var position = offset
        while let (events, last) = try spool.read(after: position, limit: limit) {
            texts += String(buffer: events).split(separator: "\n").compactMap { field("message", in: String($0)) }
            position = last
        }
        return texts
    }

    private var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    @Test("gives back what was written, from any offset and in any portion")
    func reads() throws {
        let spool = try open()
        for number in 1...50 { spool.write(event("line \(number)"), count: 1) }
        let all = (1...50).map { "line \($0)" }
        for offset in [0, 1, 17, 49, 50] {
            #expect(try text(spool, after: Offset(UInt64(offset))) == Array(all[offset...]))
            #expect(try text(spool, after: Offset(UInt64(offset)), limit: 40) == Array(all[offset...]))
        }
        #expect(spool.last == 50)
        #expect(spool.end == nil)
    }

    @Test("is found again by the next process, with its end")
    func reopens() throws {
        do {
            let spool = try open(.init(segment: 100))
            for number in 1...20 { spool.write(event("line \(number)"), count: 1) }
            spool.write(endEvent, count: 1, isEnd: true)
        }
        let spool = try open(.init(segment: 100))
        #expect(spool.last == 21)
        #expect(spool.end == 21)
        #expect(try text(spool, after: 0).count == 20)
    }

    @Test("cuts off the line that a killed process left half written")
    func tornTail() throws {
        do {
            let spool = try open()
            spool.write(event("whole"), count: 1)
        }
        let file = try #require(FileHandle(forWritingAtPath: path + "/" + files[0]))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"timestamp\":1,\"mess".utf8))
        try file.close()
        let spool = try open()
        #expect(spool.last == 1)
        spool.write(event("next"), count: 1)
        #expect(try text(spool, after: 0) == ["whole", "next"])
    }

    @Test("knows what is missing in a hole, and keeps what lies behind it")
    func hole() throws {
        do {
            let spool = try open(.init(segment: 1))
            for number in 1...3 { spool.write(event("line \(number)"), count: 1) }
        }
        // A crash of the machine can keep a later file and lose an earlier one's lines.
        try Data().write(to: URL(fileURLWithPath: path + "/" + files[1]))
        do {
            let spool = try open()
            #expect(spool.last == 3)
            spool.write(event("new"), count: 1)
        }
        let spool = try open()
        #expect(try spool.read(after: 0, limit: 1000)?.events == event("line 1"))
        let lost = try #require(throws: Spool.LostEvents.self) { try spool.read(after: 1, limit: 1000) }
        #expect(lost.count == 1)
        #expect(try text(spool, after: 2) == ["line 3", "new"])
    }

    @Test("takes no file whose offsets no log can have")
    func beyondAllLogs() throws {
        _ = try open()
        let lines = String(buffer: event("a")) + String(buffer: event("b"))
        try Data(lines.utf8).write(to: URL(fileURLWithPath: path + "/9223372036854775807"))
        #expect(try open().last == 0)
    }

    @Test("doesn't take a line that quotes an end for the end")
    func quotedEnd() throws {
        do {
            let spool = try open()
            spool.write(event("\\\",\\\"type\\\":\\\"end\\\""), count: 1)
        }
        #expect(try open().end == nil)
    }

    @Test("deletes what was acknowledged, and only that")
    func acknowledges() throws {
        let spool = try open(.init(segment: 100))
        for number in 1...20 { spool.write(event("line \(number)"), count: 1) }
        let before = try files.count
        #expect(before > 4)
        spool.acknowledge(through: 10)
        #expect(try files.count < before)
        #expect(spool.acknowledged <= 10)
        #expect(try text(spool, after: 10) == (11...20).map { "line \($0)" })
        spool.acknowledge(through: 20)
        #expect(try files.count == 1)
        spool.write(event("line 21"), count: 1)
        #expect(try text(spool, after: 20) == ["line 21"])
    }

    @Test("goes on after the log's head if the machine lost what had been written")
    func behindTheServer() throws {
        let spool = try open()
        spool.write(event("known"), count: 1)
        spool.acknowledge(through: 100)
        #expect(spool.last == 100)
        spool.write(endEvent, count: 1, isEnd: true)
        #expect(spool.end == 101)
        let (events, last) = try #require(try spool.read(after: 100, limit: 1000))
        #expect(events == endEvent)
        #expect(last == 101)
    }

    @Test("knows how many events a file had that is missing")
    func missingFile() throws {
        do {
            let spool = try open(.init(segment: 60))
            for number in 1...12 { spool.write(event("line \(number)"), count: 1) }
        }
        let names = try files
        try #require(names.count > 3)
        try FileManager.default.removeItem(atPath: path + "/" + names[1])
        let spool = try open()
        #expect(spool.last == 12)
        let before = try #require(try spool.read(after: 0, limit: 1000)?.last)
        let lost = try #require(throws: Spool.LostEvents.self) { try spool.read(after: before, limit: 1000) }
        let next = before.advanced(by: lost.count)
        #expect(try text(spool, after: next) == (next.next.rawValue...12).map { "line \($0)" })
    }

    @Test("has no room at its limit, and has it again when the server took something")
    func room() throws {
        let spool = try open(.init(total: 400, segment: 100))
        var written: UInt64 = 0
        while spool.hasRoom {
            written += 1
            spool.write(event("line \(written)"), count: 1)
            try #require(written < 100)
        }
        spool.acknowledge(through: Offset(written))
        #expect(spool.hasRoom)
    }

    @Test("makes no writer wait once the server has refused, and keeps what there is room for")
    func refused() throws {
        let spool = try open(.init(total: 100, segment: 100))
        var count: UInt64 = 0
        while spool.hasRoom {
            spool.write(event("one"), count: 1)
            count += 1
        }
        spool.refuse()
        #expect(spool.hasRoom)
        spool.write(event("two"), count: 1)
        #expect(spool.last == Offset(count))
        spool.write(endEvent, count: 1, isEnd: true)
        #expect(spool.end != nil)
    }

    @Test("holds back what a full disk doesn't take, gives it out all the same, and writes it when there is room")
    func fullDisk() throws {
        let disk = FaultyDisk()
        do {
            let spool = try Spool(on: disk)
            disk.setCapacity(100)
            for number in 1...5 { spool.write(event("line \(number)"), count: 1) }
            #expect(!spool.hasRoom)
            #expect(disk.used == 100)
            #expect(try text(spool, after: 0) == (1...5).map { "line \($0)" })
            #expect(try text(spool, after: 3) == ["line 4", "line 5"])
            disk.setCapacity(1000)
            #expect(spool.hasRoom)
        }
        #expect(try text(Spool(on: disk), after: 0) == (1...5).map { "line \($0)" })
    }

    @Test("gives its room on a full disk back once the server has everything, so that a command goes on")
    func givesRoomBack() throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        disk.setCapacity(100)
        for number in 1...5 { spool.write(event("line \(number)"), count: 1) }
        #expect(!spool.hasRoom)
        spool.acknowledge(through: 5)
        #expect(spool.hasRoom)
        #expect(disk.used == 0)
        spool.write(event("line 6"), count: 1)
        #expect(try text(spool, after: 5) == ["line 6"])
        #expect(try Spool(on: disk).last == 6)
    }

    @Test("goes on in its last file while no other can be made, and holds back where there is none at all")
    func noInodes() throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk, limits: .init(segment: 60))
        disk.setMayCreate(false)
        for number in 1...10 { spool.write(event("line \(number)"), count: 1) }
        #expect(spool.hasRoom)
        #expect(try text(spool, after: 0) == (1...10).map { "line \($0)" })
        spool.acknowledge(through: 10)
        spool.write(event("line 11"), count: 1)
        #expect(!spool.hasRoom)
        #expect(try text(spool, after: 10) == ["line 11"])
        disk.setMayCreate(true)
        #expect(spool.hasRoom)
    }

    @Test("lets a writer wait for as long as it takes, through any number of tries", .timeLimit(.minutes(5)))
    func waits() async throws {
        let spool = try Spool(on: FaultyDisk(), limits: .init(total: 50, segment: 50))
        for number in 1...3 { spool.write(event("line \(number)"), count: 1) }
        let clock = InstantClock()
        let waiting = Task { try await spool.waitForRoom(on: clock) }
        // Each pause that passes is a turn of the wait that changes nothing.
        while clock.sleeps.count < 20 { await Task.yield() }
        spool.acknowledge(through: 3)
        try await waiting.value
        #expect(spool.hasRoom)
    }

    @Test("makes no hole where the disk was away when files were to be deleted")
    func failedRemoval() throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk, limits: .init(segment: 1))
        for number in 1...4 { spool.write(event("line \(number)"), count: 1) }
        disk.setMayRemove(false)
        spool.acknowledge(through: Offset(1))
        disk.setMayRemove(true)
        let next = try Spool(on: disk)
        #expect(next.last == Offset(4))
        spool.acknowledge(through: Offset(3))
        #expect(try disk.names().count == 1)
    }

    @Test("goes on behind what the machine lost, also while the disk doesn't delete what is before it")
    func failedRemovalBeforeHole() throws {
        let disk = FaultyDisk()
        let spool = try Spool(on: disk)
        for number in 1...3 { spool.write(event("line \(number)"), count: 1) }
        disk.setMayRemove(false)
        spool.acknowledge(through: 5)
        spool.write(event("line 6"), count: 1)
        #expect(try text(spool, after: 5) == ["line 6"])
        #expect(try text(Spool(on: disk), after: 5) == ["line 6"])
        disk.setMayRemove(true)
        #expect(spool.hasRoom)
        #expect(try text(Spool(on: disk), after: 5) == ["line 6"])
    }

    @Test("keeps no writer waiting where all it holds was delivered, even in one file that is as large as the limit")
    func smallLimit() throws {
        let spool = try Spool(on: FaultyDisk(), limits: .init(total: 40, segment: 1000))
        for number in 1...3 { spool.write(event("line \(number)"), count: 1) }
        #expect(!spool.hasRoom)
        spool.acknowledge(through: Offset(3))
        #expect(spool.hasRoom)
    }

    @Test("gives a line alone that is longer than what was asked for")
    func longLine() throws {
        let spool = try Spool(on: FaultyDisk())
        spool.write(event(String(repeating: "x", count: 300)), count: 1)
        for _ in 1...3 { spool.write(event("short"), count: 1) }
        for limit in [1, 40, 200] { #expect(try spool.read(after: .zero, limit: limit)?.last == Offset(1)) }
    }

    @Test("keeps what it holds from other users")
    func permissions() throws {
        let spool = try open()
        spool.write(event("secret"), count: 1)
        for name in ["", "/" + (try files[0])] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + name)
            #expect((attributes[.posixPermissions] as? Int ?? 0o777) & 0o077 == 0)
        }
    }
}
