import Everyline
import EverylineDeflate
import NIOCore

/// A block of a log as an item: its lines, compressed, and what is asked for without them.
struct BlockItem {
    let events: EventBlock
    /// No event of the log up to the end of this block is later than this.
    let runningMaximum: Timestamp

    /// What an item's lines may take, compressed: the service's 400 KB less the rest of the item.
    static let itemLimit: ByteCount = 390_000
    /// How many bytes of lines one item gets at the most, unless they are one event: small enough to be read as a whole
    /// for one event of it.
    static let linesLimit: ByteCount = .kibibytes(384)

    /// The attribute of lines that ``BlockPacking`` has packed, and that of lines as they are.
    private static let packed = "packed"
    private static let plain = "events"

    /// What an item's lines take in it.
    static func byteCount(of item: Attributes) throws(DamagedItem) -> ByteCount {
        try item.binary(item[packed] == nil ? plain : packed).readableBytes
    }

    /// Cuts a block into items that fit.
    ///
    /// - Throws: ``LogStoreError/unavailable(_:)`` if one event alone doesn't fit. (Lines are cut long before.)
    static func items(
        _ block: EventBlock, of execution: ExecutionID, runningMaximum: Timestamp, expires: Int64?,
        format: Int64 = LogFormat.current
    ) throws(LogStoreError) -> [Attributes] {
        let isPacked = format >= LogFormat.packed
        var items: [Attributes] = []
        var rest: EventBlock? = block
        var limit = linesLimit
        while let next = rest {
            let piece = next.prefix(limit: limit)
            let compressed = (isPacked ? BlockPacking.pack(piece) : piece.bytes).deflated(as: .zlib)
            guard compressed.readableBytes <= itemLimit else {
                // What doesn't shrink fits in half the size, but for a single event.
                guard piece.count > 1 else { throw .unavailable("an event is too large for DynamoDB") }
                limit = piece.bytes.readableBytes / 2
                continue
            }
            var item = RecordKey.block(execution, last: piece.last).attributes
            item["first_offset"] = .number(Int64(piece.first.rawValue))
            item["latest_ms"] = .number(runningMaximum.milliseconds)
            if piece.latest < runningMaximum { item["own_latest_ms"] = .number(piece.latest.milliseconds) }
            if piece.endsLog { item["ends_log"] = .boolean(true) }
            item["raw_bytes"] = .number(Int64(piece.bytes.readableBytes))
            item[isPacked ? Self.packed : Self.plain] = .binary(compressed)
            item["expires_s"] = expires.map { .number($0) }
            items.append(item)
            rest = next.suffix(after: piece.last)
        }
        return items
    }

    /// - Throws: ``DamagedItem``.
    init(_ item: Attributes) throws(DamagedItem) {
        let bounds = try Bounds(item)
        guard let rawBytes = UInt32(exactly: try item.number("raw_bytes")).map(Int.init) else {
            throw DamagedItem(attribute: "raw_bytes")
        }
        runningMaximum = bounds.runningMaximum
        let isPacked = item[Self.packed] != nil
        let attribute = isPacked ? Self.packed : Self.plain
        // Packed lines are no longer than plain ones: a time takes less than what stood before its line.
        guard let text = try? item.binary(attribute).inflated(as: .zlib, limit: rawBytes),
            let bytes = isPacked
                ? BlockPacking.unpack(text, from: bounds.first, to: bounds.last, limit: rawBytes) : text
        else { throw DamagedItem(attribute: attribute) }
        guard bytes.readableBytes == rawBytes else { throw DamagedItem(attribute: "raw_bytes") }
        // The code that cuts a block counts on this.
        let lines = bytes.withUnsafeReadableBytes { $0.wholeLines(within: .max) }
        guard lines.length == rawBytes, lines.count == bounds.last.distance(from: bounds.predecessor) else {
            throw DamagedItem(attribute: attribute)
        }
        let latest = try item.optionalNumber("own_latest_ms").map { Timestamp(milliseconds: $0) }
        events = EventBlock(
            first: bounds.first, last: bounds.last, latest: latest ?? runningMaximum,
            endsLog: item["ends_log"] == .boolean(true), bytes: bytes)
    }

    /// What is known of a block without its lines.
    struct Bounds {
        let first: Offset
        let last: Offset
        let runningMaximum: Timestamp

        static let projection = "sk, first_offset, latest_ms"

        init(_ item: Attributes) throws(DamagedItem) {
            guard let last = Offset(decimal: try item.string("sk").dropFirst(2)) else {
                throw DamagedItem(attribute: "sk")
            }
            let first = try item.number("first_offset")
            guard first > 0, first <= Int64(last.rawValue) else { throw DamagedItem(attribute: "first_offset") }
            self.first = Offset(UInt64(first))
            self.last = last
            runningMaximum = Timestamp(milliseconds: try item.number("latest_ms"))
        }

        /// The offset before the block.
        var predecessor: Offset { Offset(first.rawValue - 1) }
    }
}
