import Everyline
import NIOCore

/// One file of a spool: consecutive events, each a line. Its name is the offset of its first event.
struct SpoolSegment {
    /// The offset of its first event.
    let base: Offset
    /// How many whole lines it holds, those that are not in the file yet included.
    var count: Int
    /// What is in the file, in bytes.
    private(set) var size: ByteCount
    /// `nil` while there is no room for a file.
    private var file: (any SpoolFile)?

    /// The offset of its last event; the one before its first if it is empty.
    var last: Offset { Offset(base.rawValue - 1).advanced(by: count) }

    var name: String { Self.name(base) }

    /// An empty segment, whose file is made when it is first written to.
    init(base: Offset) {
        self.base = base
        (count, size) = (0, 0)
    }

    /// Opens a file that an earlier process left. What that process couldn't write to the end is cut off.
    init(opening name: String, base: Offset, on disk: any SpoolDisk) throws {
        self.base = base
        (count, size) = (0, 0)
        let file = try disk.open(name)
        self.file = file
        var length = 0
        var lines = 0
        while let whole = try ByteBuffer.wholeLines(at: length, limit: .mebibytes(1), reading: file.read) {
            length += whole.readableBytes
            lines += whole.lineCount
        }
        try file.truncate(to: length)
        (count, size) = (lines, length)
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

    /// Makes the file if there is none yet.
    mutating func makeFile(on disk: any SpoolDisk) throws {
        if file == nil { file = try disk.create(name) }
    }

    /// Writes as much as the disk takes now, and takes that off `bytes`.
    mutating func write(_ bytes: inout ByteBuffer, on disk: any SpoolDisk) {
        do {
            try makeFile(on: disk)
            while let file, bytes.readableBytes > 0 {
                let written = try bytes.withUnsafeReadableBytes { try file.append($0) }
                guard written > 0 else { return }
                bytes.moveReaderIndex(forwardBy: written)
                size += written
            }
        } catch {
            // The disk is full, has gone away, or fails: the bytes are held back, and the next call tries again.
        }
    }

    /// The whole lines from a position on, in at most `limit` bytes, or one line if it is longer; `nil` if there is
    /// none.
    ///
    /// - Parameter unwritten: what follows the file's bytes and is not in it yet.
    func lines(at position: ByteCount, limit: ByteCount, unwritten: ByteBuffer? = nil) throws -> ByteBuffer? {
        try ByteBuffer.wholeLines(at: position, limit: limit) { position, buffer in
            if position < size, let file {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, size - position)])
                return try file.read(at: position, into: rest)
            }
            guard let unwritten else { return 0 }
            let start = unwritten.readerIndex + position - size
            let length = min(buffer.count, unwritten.writerIndex - start)
            guard length > 0, let slice = unwritten.getSlice(at: start, length: length) else { return 0 }
            return slice.withUnsafeReadableBytes { bytes in
                buffer.copyMemory(from: bytes)
                return bytes.count
            }
        }
    }

    func close() { file?.close() }

    /// Deletes the file, if it was made.
    ///
    /// - Returns: whether it is gone.
    mutating func remove(from disk: any SpoolDisk) -> Bool {
        guard let file else { return true }
        do {
            try disk.remove(name)
        } catch {
            return false
        }
        file.close()
        self.file = nil
        return true
    }
}

extension SpoolSegment {
    /// The segments that an earlier process left, oldest first.
    ///
    /// Each has the events up to the next one's first, whatever its file says: a crash of the machine may have taken
    /// some of them, or the disk has damaged them.
    static func existing(on disk: any SpoolDisk) throws -> [SpoolSegment] {
        var segments: [SpoolSegment] = []
        for name in try disk.names().sorted() {
            guard let base = base(of: name) else { continue }
            if let last = segments.popLast() {
                segments.append(try last.holding(base.distance(from: last.base), on: disk))
            }
            segments.append(try SpoolSegment(opening: name, base: base, on: disk))
        }
        // What the last one had only its own lines say.
        if let last = segments.popLast() { segments.append(try last.holding(try last.eventStarts(), on: disk)) }
        return segments
    }

    /// How many events begin in its file: more than it has lines, where the disk has made one line of several.
    private func eventStarts() throws -> Int {
        var (position, starts) = (0, 0)
        while let lines = try lines(at: position, limit: .mebibytes(1)) {
            position += lines.readableBytes
            starts += lines.eventStarts
        }
        return starts
    }

    /// The segment with as many events as it had. Where the disk has damaged newlines, so that its file has more lines
    /// or less, the file is written anew, if there is room: the lines behind the damage have the places again that they
    /// had.
    private func holding(_ count: Int, on disk: any SpoolDisk) throws -> SpoolSegment {
        var segment = self
        if self.count != count, size <= Self.longestRewritten, let lines = try rewritten(as: count),
            let file = try? Self.replace(name, with: lines, on: disk)
        {
            close()
            (segment.file, segment.size) = (file, lines.readableBytes)
        }
        segment.count = count
        return segment
    }

    /// More than that no file has, but where there was no room for the next one.
    private static let longestRewritten: ByteCount = .mebibytes(64)
    /// So many damaged lines stand in the place of one at the most.
    private static let mostJoined = 1024

    /// Its lines, with one in the place of several that are damaged, or several in the place of one; `nil` where that
    /// isn't so.
    private func rewritten(as count: Int) throws -> ByteBuffer? {
        guard count - self.count <= Self.mostJoined, var rest = try lines(at: 0, limit: max(size, 1)) else {
            return nil
        }
        var lines: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let length = rest.withUnsafeReadableBytes { $0.length(ofLines: 1) }
            guard let line = rest.readSlice(length: length) else { break }
            lines.append(line)
        }
        let damaged = lines.indices.filter { lines[$0].isDamaged }
        var copies = [Int](repeating: 1, count: lines.count)
        var missing = count - self.count
        for (index, line) in damaged.enumerated() {
            if missing < 0, index > 0, damaged[index - 1] == line - 1 {
                (copies[line], missing) = (0, missing + 1)
            } else if missing > 0 {
                let joined = min(missing, lines[line].eventStarts - 1)
                (copies[line], missing) = (1 + joined, missing - joined)
            }
        }
        // Of the rest nothing says where it was.
        if missing > 0, let first = damaged.first { (copies[first], missing) = (copies[first] + missing, 0) }
        guard missing == 0 else { return nil }
        var result = ByteBuffer()
        for (line, copies) in zip(lines, copies) {
            for _ in 0..<copies { result.writeImmutableBuffer(line) }
        }
        return result
    }

    private static func replace(
        _ name: String, with lines: ByteBuffer, on disk: any SpoolDisk
    ) throws -> any SpoolFile {
        let temporary = name + ".new"
        try disk.remove(temporary)
        let file = try disk.create(temporary)
        defer { file.close() }
        var rest = lines
        while rest.readableBytes > 0 {
            let written = try rest.withUnsafeReadableBytes { try file.append($0) }
            rest.moveReaderIndex(forwardBy: written)
        }
        try file.sync()
        try disk.rename(temporary, to: name)
        return try disk.open(name)
    }

    func lastLine() throws -> ByteBuffer? {
        count == 0 ? nil : try lines(at: position(of: last, nil), limit: .kibibytes(64))
    }

    /// Where the event `offset` begins, or would begin.
    func position(of offset: Offset, _ unwritten: ByteBuffer?) throws -> ByteCount {
        var position = 0
        var left = offset.distance(from: base)
        while left > 0, let lines = try lines(at: position, limit: .mebibytes(1), unwritten: unwritten) {
            let count = lines.lineCount
            guard count > left else {
                position += lines.readableBytes
                left -= count
                continue
            }
            return position + lines.withUnsafeReadableBytes { $0.length(ofLines: left) }
        }
        return position
    }
}

extension ByteBuffer {
    /// The whole lines from a position on, in at most `limit` bytes, or one line if it is longer; `nil` if there is
    /// none.
    ///
    /// - Parameter read: reads some of the bytes from a position on; returns 0 at the end.
    static func wholeLines(
        at position: ByteCount, limit: ByteCount,
        reading read: (_ position: ByteCount, _ buffer: UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> ByteBuffer? {
        var limit = limit
        var isFirstTry = true
        while true {
            var buffer = ByteBufferAllocator().buffer(capacity: limit)
            var isAtEnd = false
            while buffer.readableBytes < limit, !isAtEnd {
                let (next, wanted) = (position + buffer.readableBytes, limit - buffer.readableBytes)
                let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
                    try read(next, UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted]))
                }
                isAtEnd = count == 0
            }
            let newline = UInt8(ascii: "\n")
            // A line that is longer than what was asked for comes alone.
            let end = buffer.withUnsafeReadableBytes { bytes in
                isFirstTry ? bytes.lastIndex(of: newline) : bytes.firstIndex(of: newline)
            }
            if let end { return buffer.readSlice(length: end + 1) }
            if isAtEnd { return nil }
            limit *= 2
            isFirstTry = false
        }
    }

    /// How many events its lines were, each at least one: in a message the first characters of an event would be
    /// escaped.
    fileprivate var eventStarts: Int {
        withUnsafeReadableBytes { bytes in
            var (starts, position) = (0, 0)
            while position < bytes.count {
                let end = bytes.firstNewline(from: position) ?? bytes.count
                let line = bytes[position..<end]
                var found = 0
                var rest = line
                while let brace = rest.firstIndex(of: UInt8(ascii: "{")) {
                    rest = rest[brace...]
                    if rest.starts(with: #"{"timestamp":"#.utf8) { found += 1 }
                    rest = rest.dropFirst()
                }
                starts += Swift.max(1, found)
                position = end + 1
            }
            return starts
        }
    }

    /// How many newlines there are.
    var lineCount: Int { withUnsafeReadableBytes { $0.newlineCount } }

    /// Whether the line is an `end` event, as the runner writes it: its type stands where an output line has its stream
    /// or its message.
    var isEndEvent: Bool {
        withUnsafeReadableBytes { line in
            let rest = line.dropFirst(#"{"timestamp":"#.utf8.count).drop { (0x30...0x39).contains($0) }
            return rest.starts(with: #","type":"end""#.utf8)
        }
    }
}
