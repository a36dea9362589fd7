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

    private func items(_ block: EventBlock) throws -> [Attributes] {
        try BlockItem.items(block, of: execution, runningMaximum: Timestamp(milliseconds: 9), expires: nil)
    }

    private func random(_ count: Int, from alphabet: ClosedRange<UInt8>) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: alphabet) }
    }

    @Test("give the block back, whatever it holds and however it was cut")
    func roundTrip() throws {
        let block = try block((0..<4000).map { random($0 % 700, from: 0x20...0x7E) })
        let items = try items(block)
        #expect(items.count > 3)
        var bytes = ByteBuffer()
        var last = Offset.zero
        for item in items {
            let stored = try BlockItem(item)
            #expect(stored.events.first == last.next)
            #expect(stored.runningMaximum == Timestamp(milliseconds: 9))
            #expect(try item.binary("events").readableBytes <= BlockItem.itemLimit)
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

    @Test("are damaged if they don't hold as many events as their offsets say")
    func miscounted() throws {
        var item = try #require(try items(block([[0x61], [0x62]])).first)
        item["first_offset"] = .number(2)
        #expect(throws: DamagedItem.self) { try BlockItem(item) }
        let lines = ByteBuffer(string: "{}\n{}")
        item["first_offset"] = .number(1)
        item["events"] = .binary(lines.deflated(as: .zlib))
        item["raw_bytes"] = .number(Int64(lines.readableBytes))
        #expect(throws: DamagedItem.self) { try BlockItem(item) }
    }

    @Test("that are damaged are an error")
    func damaged() throws {
        let item = try #require(try items(block([[0x61]])).first)
        for name in ["events", "raw_bytes", "first_offset", "latest_ms", "sk"] {
            var broken = item
            broken[name] = nil
            #expect(throws: DamagedItem.self) { try BlockItem(broken) }
        }
        var cut = item
        cut["events"] = .binary(try #require(try item.binary("events").getSlice(at: 0, length: 8)))
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
