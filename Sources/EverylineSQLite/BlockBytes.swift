import CLibdeflate
import CZstd
import Everyline
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Row {
    /// Lends a block's events as they were written, unpacked if need be.
    ///
    /// - Precondition: the row has ``StoredBlock/columns``, or at least the last three of them.
    /// - Throws: ``LogStoreError/damaged(_:)`` if they aren't what was written.
    func withEvents<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
        try withStoredEvents { events, areAsWritten in
            guard areAsWritten else { throw LogStoreError.damagedBlocks }
            return try body(events)
        }
    }

    /// Lends a block's events, and whether they agree with the checksum that was written with them.
    ///
    /// - Throws: ``LogStoreError/damaged(_:)`` if they can't be unpacked.
    func withStoredEvents<Value>(
        _ body: (_ events: UnsafeRawBufferPointer, _ areAsWritten: Bool) throws -> Value
    ) throws -> Value {
        let (written, unpacked) = (
            try storedIfAny("crc", as: Int64.self), try storedIfAny("unpacked", as: Int64.self)
        )
        return try withUnsafeData(named: "events") { stored in
            try (stored ?? Data()).withUnsafeBytes { stored in
                guard let unpacked else { return try body(stored, BlockChecksum.agrees(written, with: stored)) }
                return try BlockCompression.withUnpacked(stored, length: unpacked) { events in
                    try body(events, BlockChecksum.agrees(written, with: events))
                }
            }
        }
    }
}

/// A block's CRC-32, as zlib counts it: it tells bytes that a disk has changed from those that were written. libdeflate
/// counts it with the processor's own instructions, where zlib was a good part of a replay.
enum BlockChecksum {
    static func of(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        Int64(libdeflate_crc32(0, bytes.baseAddress, bytes.count))
    }

    /// Whether the bytes are those that were written. Blocks of old databases have no checksum: theirs can be any.
    static func agrees(_ written: Int64?, with bytes: UnsafeRawBufferPointer) -> Bool {
        written.map { $0 == of(bytes) } ?? true
    }
}

/// Packs the blocks of logs that have ended, as zstd frames (RFC 8878), each for itself.
enum BlockCompression {
    /// A log's text becomes about a tenth; higher levels take twice the time for a few parts in a hundred.
    private static let level: CInt = 3
    /// No block is longer: an append is not.
    private static let longest: Int64 = 1 << 30

    /// - Returns: `nil` if packing would save less than an eighth.
    static func packed(_ events: Data) -> Data? {
        let space = events.count - events.count / 8
        guard space > 0 else { return nil }
        var packed = Data(count: space)
        let length = packed.withUnsafeMutableBytes { target in
            events.withUnsafeBytes { ZSTD_compress(target.baseAddress, space, $0.baseAddress, $0.count, level) }
        }
        // The only error that there can be is that there isn't space enough.
        guard ZSTD_isError(length) == 0 else { return nil }
        return packed.prefix(length)
    }

    /// - Throws: ``LogStoreError/damaged(_:)`` if `stored` isn't a frame of this length.
    fileprivate static func withUnpacked<Value>(
        _ stored: UnsafeRawBufferPointer, length: Int64, _ body: (UnsafeRawBufferPointer) throws -> Value
    ) throws -> Value {
        // What the frame says of itself is compared first, so that no more is taken than a block was.
        guard (1...longest).contains(length),
            ZSTD_getFrameContentSize(stored.baseAddress, stored.count) == UInt64(length)
        else { throw LogStoreError.damagedBlocks }
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(length), alignment: 16)
        defer { target.deallocate() }
        guard ZSTD_decompress(target.baseAddress, target.count, stored.baseAddress, stored.count) == target.count else {
            throw LogStoreError.damagedBlocks
        }
        return try body(UnsafeRawBufferPointer(target))
    }
}
