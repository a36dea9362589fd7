import Everyline
import NIOCore

extension EventBlock {
    /// A hash of each event's line, in order: what an offset stands for, for good.
    func appendHashes(to hashes: inout [UInt64]) {
        forEachLine { _, line in hashes.append(Self.hash(line)) }
    }

    /// Whether each event is what `hashes` says of its offset.
    func matches(_ hashes: [UInt64]) -> Bool {
        guard last.rawValue <= UInt64(hashes.count) else { return false }
        var isEqual = true
        forEachLine { offset, line in
            if hashes[Int(offset.rawValue) - 1] != Self.hash(line) { isEqual = false }
        }
        return isEqual
    }

    fileprivate static func hash(_ line: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(line.count)
        var index = 0
        while index + 8 <= line.count {
            hash = (hash ^ line.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            index += 8
        }
        while index < line.count {
            hash = (hash ^ UInt64(line[index])) &* 0x0000_0100_0000_01B3
            index += 1
        }
        return hash
    }
}

extension ReceivedBlock {
    /// Each event's offset and the hash of its line, in order.
    func forEachHash(_ body: (Offset, UInt64) -> Void) {
        bytes.withUnsafeReadableBytes { bytes in
            var (position, offset) = (0, first)
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                body(offset, EventBlock.hash(UnsafeRawBufferPointer(rebasing: bytes[position..<end])))
                (position, offset) = (end + 1, offset.next)
            }
        }
    }
}
