/// Cuts a stream of bytes into lines at `\n`, and lines that are too long into parts.
///
/// Feeding the same bytes in other portions gives the same lines. At most one line's limit is kept between two portions.
/// A `\r` is an ordinary byte, unless the cutter takes `\r\n` for a line's end, as are NUL and whatever isn't UTF-8; a part never ends inside a UTF-8 sequence that is whole.
package struct LineCutter: Sendable {
    /// The default limit of a line, in bytes as the command wrote them.
    package static let defaultLimit: ByteCount = .kibibytes(256)

    /// How many bytes behind a part must be there to tell whether a UTF-8 sequence goes on across its end.
    private static let lookahead = 2

    private static let carriageReturn = UInt8(ascii: "\r")

    package let limit: ByteCount
    private let endsAtCRLF: Bool
    private var rest: [UInt8] = []

    /// - Parameter endsAtCRLF: whether one `\r` before a newline belongs to the line's end, as a terminal writes it.
    /// - Precondition: `limit` is at least 4, so that every scalar fits.
    package init(limit: ByteCount = LineCutter.defaultLimit, endsAtCRLF: Bool = false) {
        precondition(limit >= 4)
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
        while line.count - position > (isComplete ? limit : limit + Self.lookahead) {
            let end = line.endOfPart(from: position, limit: limit)
            try emit(UnsafeRawBufferPointer(rebasing: line[position..<end]), true)
            position = end
        }
        guard isComplete else { return position }
        try emit(UnsafeRawBufferPointer(rebasing: line[position...]), false)
        return line.count
    }
}

extension UnsafeRawBufferPointer {
    /// Where the part that starts at `start` ends, so that no UTF-8 sequence is torn.
    func endOfPart(from start: Int, limit: Int) -> Int {
        let end = start + limit
        guard end < count else { return count }
        var lead = end
        while lead > end - 4, lead > start, self[lead] & 0xC0 == 0x80 { lead -= 1 }
        guard lead < end, case .valid(let length) = UTF8Sequence(in: self, at: lead), lead + length > end else {
            return end
        }
        return lead
    }
}

extension [UInt8] {
    /// Where the part that starts at `start` ends, so that no UTF-8 sequence is torn.
    func endOfPart(from start: Int, limit: Int) -> Int {
        withUnsafeBytes { $0.endOfPart(from: start, limit: limit) }
    }
}
