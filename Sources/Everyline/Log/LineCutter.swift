/// Cuts a stream of bytes into lines at `\n`, and lines that are too long into parts.
///
/// Feeding the same bytes in other portions gives the same lines. At most one line's limit is kept between two
/// portions. A `\r` is an ordinary byte, unless the cutter takes `\r\n` for a line's end, as are NUL and whatever isn't
/// UTF-8; a part never ends inside a UTF-8 sequence that is whole.
package struct LineCutter: Sendable {
    /// The default limit of a line, in bytes of its text: what isn't UTF-8 takes three, as U+FFFD.
    package static let defaultLimit: ByteCount = .kibibytes(256)
    /// The least limit: every scalar fits.
    package static let leastLimit: ByteCount = 4

    /// How many bytes behind a part must be there to tell whether a UTF-8 sequence goes on across its end.
    private static let lookahead = 2

    private static let carriageReturn = UInt8(ascii: "\r")

    package let limit: ByteCount
    private let endsAtCRLF: Bool
    private var rest: [UInt8] = []

    /// - Parameter endsAtCRLF: whether one `\r` before a newline belongs to the line's end, as a terminal writes it.
    /// - Precondition: `limit` is at least ``leastLimit``.
    package init(limit: ByteCount = LineCutter.defaultLimit, endsAtCRLF: Bool = false) {
        precondition(limit >= Self.leastLimit, "lines can't be cut to \(limit) bytes")
        self.limit = limit
        self.endsAtCRLF = endsAtCRLF
    }

    /// Whether a line has begun that no newline has ended.
    package var hasRest: Bool { !rest.isEmpty }

    /// The last bytes of the line that has begun, at most `limit` of them, and whether there are more before them.
    package func end(limit: ByteCount) -> (bytes: [UInt8], isCut: Bool) {
        (Array(rest.suffix(limit)), rest.count > limit)
    }

    /// Takes the next bytes and hands out each line that they complete, and each part of a line beyond its limit.
    ///
    /// - Parameter emit: gets the line without its newline, valid during the call only, and whether the line goes on.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, emit: (_ line: UnsafeRawBufferPointer, _ isPartial: Bool) throws -> Void
    ) rethrows {
        var position = 0
        while let newline = bytes.firstNewline(from: position) {
            var line = UnsafeRawBufferPointer(rebasing: bytes[position..<newline])
            if rest.isEmpty {
                if endsAtCRLF, line.last == Self.carriageReturn { line = .init(rebasing: line.dropLast()) }
                try cut(line, isComplete: true, emit: emit)
            } else {
                rest.append(contentsOf: line)
                if endsAtCRLF, rest.last == Self.carriageReturn { rest.removeLast() }
                try cutRest(isComplete: true, emit: emit)
            }
            position = newline + 1
        }
        // Portions are taken limit by limit, so that an endless line costs no more memory than its limit twice.
        while position < bytes.count {
            let end = min(position + limit, bytes.count)
            rest.append(contentsOf: bytes[position..<end])
            position = end
            if rest.count > limit + Self.lookahead { try cutRest(isComplete: false, emit: emit) }
        }
    }

    /// Hands out what is left when the stream ends without a newline.
    package mutating func finish(
        emit: (_ line: UnsafeRawBufferPointer, _ isPartial: Bool) throws -> Void
    ) rethrows {
        guard hasRest else { return }
        try cutRest(isComplete: true, emit: emit)
    }

    private mutating func cutRest(
        isComplete: Bool, emit: (_ line: UnsafeRawBufferPointer, _ isPartial: Bool) throws -> Void
    ) rethrows {
        let taken = try rest.withUnsafeBytes { try cut($0, isComplete: isComplete, emit: emit) }
        rest.removeFirst(taken)
    }

    /// Hands out `line` in parts, and returns how many bytes it took; all of them if the line is complete.
    @discardableResult
    private func cut(
        _ line: UnsafeRawBufferPointer, isComplete: Bool,
        emit: (_ line: UnsafeRawBufferPointer, _ isPartial: Bool) throws -> Void
    ) rethrows -> Int {
        var position = 0
        // Of a line that is short enough whatever it holds, nothing is looked at.
        while isComplete ? line.count - position > limit / 3 : line.count - position > limit + Self.lookahead {
            let end = line.endOfPart(from: position, limit: limit)
            if isComplete, end == line.count { break }
            try emit(UnsafeRawBufferPointer(rebasing: line[position..<end]), true)
            position = end
        }
        guard isComplete else { return position }
        try emit(UnsafeRawBufferPointer(rebasing: line[position...]), false)
        return line.count
    }
}

extension UnsafeRawBufferPointer {
    /// Hands out the parts of a line, each with the word whether another one follows; of an empty line the one that is
    /// empty.
    package func forEachPart(limit: ByteCount, _ emit: (_ part: UnsafeRawBufferPointer, _ goesOn: Bool) -> Void) {
        var start = 0
        repeat {
            let end = endOfPart(from: start, limit: limit)
            emit(UnsafeRawBufferPointer(rebasing: self[start..<end]), end < count)
            start = end
        } while start < count
    }

    /// Where the part that starts at `start` ends: its text has at most `limit` bytes, with U+FFFD for what isn't
    /// UTF-8, and no sequence is torn.
    func endOfPart(from start: Int, limit: Int) -> Int {
        var (position, left) = (start, limit)
        while position < count {
            while left >= 8, position + 8 <= count,
                loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                position += 8
                left -= 8
            }
            guard position < count else { break }
            let (length, size): (Int, Int)
            if self[position] < 0x80 {
                (length, size) = (1, 1)
            } else {
                switch UTF8Sequence(in: self, at: position) {
                case .valid(let found): (length, size) = (found, found)
                case .broken(let found): (length, size) = (found, 3)
                }
            }
            guard size <= left else { return position }
            position += length
            left -= size
        }
        return count
    }
}
