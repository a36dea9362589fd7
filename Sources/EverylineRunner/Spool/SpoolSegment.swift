import Everyline
import Glibc
import NIOCore
import SystemPackage

/// One file of a spool: consecutive events, each a line. Its name is the offset of its first event.
struct SpoolSegment {
    /// The offset of its first event.
    let base: Offset
    /// How many whole lines it holds, those that could not be written yet included.
    var count: Int
    /// What is in the file, in bytes.
    var size: ByteCount
    let path: FilePath
    private let file: FileDescriptor

    /// The offset of its last event; the one before its first if it is empty.
    var last: Offset { Offset(base.rawValue - 1).advanced(by: count) }

    /// Makes a new file.
    init(creating base: Offset, in directory: FilePath) throws {
        self.base = base
        path = directory.appending(Self.name(base))
        file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate, .append, .closeOnExec],
            permissions: .ownerReadWrite)
        (count, size) = (0, 0)
    }

    /// Opens a file that an earlier process left. What that process couldn't write to the end is cut off.
    init(opening path: FilePath, base: Offset) throws {
        self.base = base
        self.path = path
        file = try FileDescriptor.open(path, .readWrite, options: [.append, .closeOnExec])
        (count, size) = (0, 0)
        while let (length, lines) = try read(at: size, limit: .mebibytes(1)).map({ ($0.readableBytes, $0.lineCount) }) {
            size += length
            count += lines
        }
        try file.resize(to: Int64(size))
    }

    /// The offset that a file's name says; `nil` if it is no segment's.
    static func base(of name: String) -> Offset? {
        // No log is half as long as offsets go, so there is room for whatever the file holds.
        Offset(decimal: name).flatMap { (1...Offset.maximum.rawValue / 2).contains($0.rawValue) ? $0 : nil }
    }

    /// Of one width, so that they sort as the offsets do.
    private static func name(_ base: Offset) -> String {
        let digits = base.description
        return String(repeating: "0", count: 19 - digits.count) + digits
    }

    /// Writes as much as there is room for on the disk, and takes that off `bytes`.
    ///
    /// - Returns: how many bytes it wrote.
    /// - Throws: what isn't a lack of room.
    mutating func write(_ bytes: inout ByteBuffer) throws -> ByteCount {
        let before = size
        while bytes.readableBytes > 0 {
            do {
                let written = try bytes.withUnsafeReadableBytes { try file.write($0) }
                bytes.moveReaderIndex(forwardBy: written)
                size += written
            } catch let error as Errno where error.isFullDisk {
                break
            }
        }
        return size - before
    }

    /// The whole lines from a position on, in at most `limit` bytes, or one line if it is longer; `nil` if there is none.
    func read(at position: ByteCount, limit: ByteCount) throws -> ByteBuffer? {
        var limit = limit
        while true {
            var buffer = ByteBufferAllocator().buffer(capacity: limit)
            let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { bytes in
                try file.read(
                    fromAbsoluteOffset: Int64(position), into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<limit]))
            }
            let end = buffer.withUnsafeReadableBytes { $0.lastNewline }
            if let end { return buffer.readSlice(length: end + 1) }
            if count < limit { return nil }
            limit *= 2
        }
    }

    func close() { try? file.close() }

    /// Deletes the file.
    func remove() {
        close()
        // If it stays, it holds nothing that the server doesn't have: it will be sent again, and passed over.
        _ = unlink(path.string)
    }
}

extension ByteBuffer {
    /// How many newlines there are.
    var lineCount: Int {
        withUnsafeReadableBytes { bytes in
            var count = 0
            var position = 0
            while let newline = bytes.firstNewline(from: position) {
                count += 1
                position = newline + 1
            }
            return count
        }
    }
}

extension Errno {
    var isFullDisk: Bool { self == .noSpace || self == .diskQuotaExceeded }
}

extension UnsafeRawBufferPointer {
    fileprivate var lastNewline: Int? {
        lastIndex(of: 0x0A)
    }
}
