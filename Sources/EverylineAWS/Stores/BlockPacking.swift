import Everyline
import NIOCore

/// A block's lines without what their places say: first the times, each as its distance from the one before, then each
/// line from its third field on.
///
///     {"offset":41,"timestamp":1700000000005,"message":"a"}        1700000000005 7
///     {"offset":42,"timestamp":1700000000012,"message":"b"}   ─►   message":"a"}
///                                                                  message":"b"}
///
/// An offset and a time are new in each line, so they compress worse than all the rest; without them a block's item is
/// a third to nearly a half smaller, and that is what an append costs.
enum BlockPacking {
    /// - Precondition: the lines are as ``BlockEncoder`` writes them.
    static func pack(_ block: EventBlock) -> ByteBuffer {
        var packed = ByteBufferAllocator().buffer(capacity: block.bytes.readableBytes)
        var rests = ByteBufferAllocator().buffer(capacity: block.bytes.readableBytes)
        var time: Int64 = 0
        block.forEachLine { offset, line in
            guard let prefix = EventLinePrefix(line, from: 0, to: line.count), prefix.offset == offset.rawValue else {
                preconditionFailure("a block's line isn't as it is written")
            }
            packed.writeDecimal(Int64(prefix.timestamp) - time)
            packed.writeInteger(UInt8(ascii: offset < block.last ? " " : "\n"))
            time = Int64(prefix.timestamp)
            rests.writeBytes(UnsafeRawBufferPointer(rebasing: line[prefix.end...]))
            rests.writeInteger(UInt8(ascii: "\n"))
        }
        packed.writeBuffer(&rests)
        return packed
    }

    /// The lines from `first` to `last`.
    ///
    /// - Parameter limit: how many bytes they may have.
    /// - Returns: `nil` if they are not what ``pack(_:)`` has written.
    static func unpack(_ packed: ByteBuffer, from first: Offset, to last: Offset, limit: ByteCount) -> ByteBuffer? {
        packed.withUnsafeReadableBytes { bytes in
            guard let places = bytes.firstNewline(from: 0).map({ $0 + 1 }) else { return nil }
            var lines = ByteBufferAllocator().buffer(capacity: limit)
            var (position, line, time, offset) = (0, places, Int64(0), first)
            while true {
                guard let distance = distance(in: bytes, &position, places), let end = bytes.firstNewline(from: line)
                else { return nil }
                time += distance
                guard (0...Timestamp.maximum.milliseconds).contains(time) else { return nil }
                EventFields.writePlace(offset, Timestamp(milliseconds: time), into: &lines)
                lines.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[line...end]))
                guard lines.readableBytes <= limit else { return nil }
                line = end + 1
                if offset == last { return position == places && line == bytes.count ? lines : nil }
                offset = offset.next
            }
        }
    }

    /// Takes a signed number and the byte behind it.
    private static func distance(in bytes: UnsafeRawBufferPointer, _ position: inout Int, _ end: Int) -> Int64? {
        let isNegative = position < end && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        guard let number = EventLinePrefix.number(in: bytes, &position, end), position < end else { return nil }
        position += 1
        return isNegative ? -Int64(number) : Int64(number)
    }
}
