import Everyline
import EverylineDeflate
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineAWS

@Suite("A block's items")
struct BlockItemTests {
    private let execution = Sample.id("e")

    private func block(_ messages: [[UInt8]]) throws -> EventBlock {
        var encoder = BlockEncoder(after: .zero)
        for message in messages {
            message.withUnsafeBytes { encoder.appendLine($0, timestamp: Timestamp(milliseconds: 5)) }
        }
        return try #require(encoder.finish())
    }

    private func items(_ block: EventBlock, format: Int64 = LogFormat.current) throws -> [Attributes] {
        try BlockItem.items(
            block, of: execution, runningMaximum: Timestamp(milliseconds: 9), expires: nil, format: format)
    }

    private func random(_ count: Int, from alphabet: ClosedRange<UInt8>) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: alphabet) }
    }

    @Test(
        "give the block back, whatever it holds and however it was cut",
        arguments: [LogFormat.numbered, LogFormat.packed])
    func roundTrip(_ format: Int64) throws {
        let block = try block((0..<4000).map { random($0 % 700, from: 0x20...0x7E) })
        let items = try items(block, format: format)
        #expect(items.count > 3)
        var bytes = ByteBuffer()
        var last = Offset.zero
        for item in items {
            let stored = try BlockItem(item)
            #expect(stored.events.first == last.next)
            #expect(stored.runningMaximum == Timestamp(milliseconds: 9))
            #expect(try BlockItem.byteCount(of: item) <= BlockItem.itemLimit)
            bytes.writeImmutableBuffer(stored.events.bytes)
            last = stored.events.last
        }
        #expect(last == block.last)
        #expect(bytes == block.bytes)
    }

    @Test(
        "hold the longest line there is, whatever is in it",
        arguments: [0x00...0xFF, 0x00...0x1F, 0x20...0x7E, 0x22...0x22, 0x80...0xFF] as [ClosedRange<UInt8>])
    func longestLine(_ alphabet: ClosedRange<UInt8>) throws {
        let line = random(LineCutter.defaultLimit, from: alphabet)
        #expect(try items(block([line])).count == 1)
    }

    @Test("are refused for an event that no item can hold")
    func tooLarge() throws {
        let block = try block([random(600_000, from: 0x20...0x7E)])
        #expect(throws: LogStoreError.self) { try items(block) }
    }

    @Test("hold each kind of event, with any times")
    func kinds() throws {
        var encoder = BlockEncoder(after: Offset(98))
        let times: [Int64] = [Timestamp.maximum.milliseconds, 0, 7, 7, 5]
        for (index, time) in times.enumerated() {
            let line = LogLine(
                message: "\u{1E}\"ü\n", stream: [nil, .stdout, .stderr][index % 3], isPartial: index == 2,
                eventID: index == 3 ? "id\"" : nil)
            encoder.appendLine(line, timestamp: Timestamp(milliseconds: time))
        }
        encoder.appendNotice(code: "lines_lost", message: "", timestamp: Timestamp(milliseconds: 1))
        encoder.appendEnd(ExecutionOutcome(status: .failed, exitCode: 3), timestamp: Timestamp(milliseconds: 2))
        let block = try #require(encoder.finish())
        #expect(try items(block).map { try BlockItem($0).events.bytes } == [block.bytes])
    }

    @Test("take a third less where offsets and times don't stand in each line")
    func size() throws {
        var encoder = BlockEncoder(after: Offset(20_000))
        for number in 0..<1500 {
            let line = LogLine(
                message: "[\(number)] compile src/module/file-\(number * 7919 % 1500).c ok, with no warning")
            encoder.appendLine(line, timestamp: Timestamp(milliseconds: 1_763_500_000_000 + Int64(number / 30) * 37))
        }
        let block = try #require(encoder.finish())
        let sizes = try [LogFormat.numbered, LogFormat.packed].map { format in
            try items(block, format: format).map { try BlockItem.byteCount(of: $0) }.reduce(0, +)
        }
        #expect(sizes[1] * 3 < sizes[0] * 2, "\(sizes)")
    }

    @Test(
        "are damaged if their lines and places don't fit together",
        arguments: [
            "", "\n", "5", "5\n", "5 0\na\nb", "5 0\na\n", "5\na\nb\n", "5 0 1\na\nb\n", "5 0\na\nb\nc\n",
            "5  0\na\nb\n",
            "-1 0\na\nb\n", "x 0\na\nb\n", "5 -6\na\nb\n", "253402300800000 0\na\nb\n", "5 --1\na\nb\n",
            "9999999999999999999 0\na\nb\n", "999999999999999999 999999999999999999\na\nb\n",
        ])
    func misfits(_ text: String) throws {
        let block = try block([[0x61], [0x62]])
        var item = try #require(try items(block).first)
        item["packed"] = .binary(ByteBuffer(string: text).deflated(as: .zlib))
        #expect(throws: DamagedItem.self) { try BlockItem(item) }
        #expect(
            BlockPacking.unpack(ByteBuffer(string: text), from: block.first, to: block.last, limit: 1000) == nil)
    }

    @Test("of a log that an earlier version began are as that version reads and writes them")
    func plain() throws {
        let block = try block([[0x61], [0x62]])
        let item = try #require(try items(block, format: LogFormat.numbered).first)
        #expect(item["packed"] == nil && item["format"] == nil)
        #expect(try item.binary("events").inflated(as: .zlib, limit: 1000) == block.bytes)
    }

    @Test("are damaged if they don't hold as many events as their offsets say")
    func miscounted() throws {
        var item = try #require(try items(block([[0x61], [0x62]])).first)
        item["first_offset"] = .number(2)
        #expect(throws: DamagedItem.self) { try BlockItem(item) }
        let lines = ByteBuffer(string: "{}\n{}")
        item["first_offset"] = .number(1)
        item["packed"] = nil
        item["events"] = .binary(lines.deflated(as: .zlib))
        item["raw_bytes"] = .number(Int64(lines.readableBytes))
        #expect(throws: DamagedItem.self) { try BlockItem(item) }
    }

    @Test("that are damaged are an error")
    func damaged() throws {
        let item = try #require(try items(block([[0x61]])).first)
        for name in ["packed", "raw_bytes", "first_offset", "latest_ms", "sk"] {
            var broken = item
            broken[name] = nil
            #expect(throws: DamagedItem.self) { try BlockItem(broken) }
        }
        var cut = item
        cut["packed"] = .binary(try #require(try item.binary("packed").getSlice(at: 0, length: 8)))
        #expect(throws: DamagedItem.self) { try BlockItem(cut) }
        var grown = item
        grown["raw_bytes"] = .number(3)
        #expect(throws: DamagedItem.self) { try BlockItem(grown) }
        for size in [-1, .max] as [Int64] {
            grown["raw_bytes"] = .number(size)
            #expect(throws: DamagedItem.self) { try BlockItem(grown) }
        }
    }
}
