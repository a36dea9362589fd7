import Everyline
import EverylineDeflate
import NIOCore

/// A run that came too early as an item: one message's lines, compressed. It never changes, and goes with the write
/// that takes it.
enum ParkedItem {
    /// What a run may expand to: six bytes of JSON for each of its text, and the rest of each event.
    private static let limit: ByteCount = .mebibytes(8)

    /// - Throws: ``LogStoreError/unavailable(_:)`` if it doesn't fit into an item. (Runs are cut long before.)
    static func item(_ run: SourceRun, of execution: ExecutionID, expires: Int64?) throws -> Attributes {
        let text = try SourceEvents.encode(run.events)
        let compressed = text.deflated(as: .zlib)
        guard compressed.readableBytes <= BlockItem.itemLimit, text.readableBytes <= limit else {
            throw LogStoreError.unavailable("a run is too large for DynamoDB")
        }
        var item = RecordKey.parked(execution, run.lines).attributes
        item["lines"] = .binary(compressed)
        item["expires_s"] = expires.map { .number($0) }
        return item
    }

    static func run(_ lines: ClosedRange<UInt64>, in item: Attributes) throws -> SourceRun {
        let events: [SourceEvent]
        do {
            events = try SourceEvents.decode(try item.binary("lines").inflated(as: .zlib, limit: limit))
        } catch {
            throw DamagedItem(attribute: "lines")
        }
        let numbers = events.compactMap(\.number)
        guard numbers.first == lines.lowerBound, numbers.last == lines.upperBound,
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 + 1 == $1 })
        else { throw DamagedItem(attribute: "lines") }
        return SourceRun(lines: lines, events: events)
    }
}
