@testable import Everyline
@testable import EverylineAWS
import Foundation
import NIOCore

extension FuzzTarget {
    /// Items of the table (the input is one, in DynamoDB's JSON), and blocks of the log (the input is an append's body)
    /// as items and back.
    static let items = FuzzTarget(name: "items") { input in
        if let item = try? JSONDecoder().decode(Attributes.self, from: Data(input.bytes.readableBytesView)) {
            try ItemChecks.read(item)
        }
        if let body = try? AppendBody(ndjson: input.bytes, after: Offset(7)), let block = body.block {
            try ItemChecks.store(block)
        }
    }
}

private enum ItemChecks {
    static func read(_ item: Attributes) throws {
        let again = try JSONDecoder().decode(Attributes.self, from: JSONEncoder().encode(item))
        expect(again == item, "an item that is written and read is itself")
        guard let execution = ExecutionID("01hv") else { return }
        if let record = try? ExecutionItem(item, id: execution) { _ = record.isKept(at: Timestamp(milliseconds: 1)) }
        if let key = try? APIKey(item) {
            let again = try APIKey(key.attributes)
            expect(again == key, "a key that is written and read is itself")
        }
        if let token = try? StreamToken(item) {
            let again = try StreamToken(token.attributes(hash: SecretHash(of: "secret")))
            expect(again == token, "a token that is written and read is itself")
        }
        if let connection = try? ViewerConnection(item) {
            let again = try ViewerConnection(connection.attributes(ConnectionID("c")))
            expect(again == connection, "a connection that is written and read is itself")
        }
        if let block = try? BlockItem(item) { check(block) }
    }

    /// A block of any item can be cut where its offsets say.
    private static func check(_ block: BlockItem) {
        var count = 0
        block.events.forEachLine { _, _ in count += 1 }
        expect(count == block.events.count, "a block holds as many lines as its offsets say")
        _ = block.events.suffix(after: block.events.first)
        _ = block.events.prefix(through: block.events.first)
        var text = ByteBuffer()
        _ = try? block.events.writeText(into: &text)
    }

    static func store(_ block: EventBlock) throws {
        guard let execution = ExecutionID("01hv") else { return }
        var bytes = ByteBuffer()
        var last = block.predecessor
        for item in try BlockItem.items(block, of: execution, runningMaximum: block.latest, expires: nil) {
            let part = try BlockItem(item).events
            expect(part.predecessor == last, "items follow each other")
            bytes.writeImmutableBuffer(part.bytes)
            last = part.last
        }
        expect(bytes == block.bytes && last == block.last, "a block that is stored and read is itself")
    }
}
