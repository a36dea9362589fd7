import Crypto
package import NIOCore

/// A command's input between the client that writes it and the runner that reads it, in memory: what the runner hasn't
/// taken yet, and what the control lines say.
///
/// Each byte has a place, counted from 0, by which both sides ask. So what is written twice is taken once, and what the
/// runner didn't get it gets again. Two clients that write other bytes at the same place are told apart: by the bytes
/// while those are here, and by a hash of them later.
package struct InputBuffer {
    /// How much may wait for the runner.
    package static let limit: ByteCount = .mebibytes(1)

    private var unread = ByteBuffer()
    /// How many bytes the runner has.
    package private(set) var taken: UInt64
    /// Whether nothing follows what was received.
    package private(set) var isEnded = false
    /// Whether the runner takes no more.
    package private(set) var isClosed = false
    private var size: TerminalSize?
    /// Of what the runner has; `nil` where not all of it has been here, and once it takes no more.
    package private(set) var hash: InputHash?

    /// How many bytes the client has written.
    package var received: UInt64 { taken + UInt64(unread.readableBytes) }
    package var count: ByteCount { unread.readableBytes }

    /// - Parameter taken: how many bytes the runner has.
    package init(after taken: UInt64) {
        self.taken = taken
        hash = taken == 0 ? InputHash() : nil
    }

    // MARK: The client's side

    /// Whether `lines`, whose first byte has the place `after`, have another byte somewhere than what waits there for
    /// the runner.
    package func contradicts(_ lines: [InputLine], after: UInt64) -> Bool {
        var place = after
        for case .bytes(let bytes) in lines {
            let end = place.addingReportingOverflow(UInt64(bytes.readableBytes))
            guard !end.overflow else { return false }
            let (first, last) = (max(place, taken), min(end.partialValue, received))
            if first < last {
                let count = Int(last - first)
                let new = bytes.getSlice(at: bytes.readerIndex + Int(first - place), length: count)
                let held = unread.getSlice(at: unread.readerIndex + Int(first - taken), length: count)
                if new != held { return true }
            }
            place = end.partialValue
        }
        return false
    }

    /// Takes what is new of `lines`, as far as there is room.
    ///
    /// - Parameters:
    ///   - after: the place of the first byte of `lines`. If that is beyond ``received``, no byte is taken.
    ///   - room: how many bytes may be added.
    /// - Returns: whether anything was new.
    package mutating func write(_ lines: [InputLine], after: UInt64, room: ByteCount) -> Bool {
        var place = after
        var isNew = false
        var room = min(room, Self.limit - count)
        for line in lines {
            switch line {
            case .size(let size):
                isNew = isNew || self.size != size
                self.size = size
            case .end:
                guard place == received, !isEnded else { continue }
                (isEnded, isNew) = (true, true)
            case .bytes(let bytes):
                let end = place.addingReportingOverflow(UInt64(bytes.readableBytes))
                guard !end.overflow else { return isNew }
                defer { place = end.partialValue }
                guard !isEnded, !isClosed, place <= received, end.partialValue > received else { continue }
                let held = Int(received - place)
                let count = min(bytes.readableBytes - held, max(0, room))
                guard count > 0, let rest = bytes.getSlice(at: bytes.readerIndex + held, length: count) else {
                    continue
                }
                unread.writeImmutableBuffer(rest)
                room -= count
                isNew = true
            }
        }
        return isNew
    }

    // MARK: The runner's side

    /// Learns that the runner has everything before `place`, and forgets that.
    package mutating func take(through place: UInt64, isClosed: Bool) {
        if place >= taken, place <= received {
            if let read = unread.readSlice(length: Int(place - taken)) { hash?.add(read) }
            unread = unread.readableBytes == 0 ? ByteBuffer() : unread
            taken = place
        } else if place > received {
            // What was before this server's start.
            self = InputBuffer(after: place)
        }
        if isClosed { close() }
    }

    private mutating func close() {
        isClosed = true
        taken = received
        unread = ByteBuffer()
        hash = nil
    }

    /// What the runner gets that has everything before `place`, and a terminal of this size.
    package func lines(after place: UInt64, size known: TerminalSize?, limit: ByteCount) -> [InputLine] {
        // A later request overtook this one, and no client waits for its answer.
        guard place == taken, !isClosed else { return [] }
        var lines: [InputLine] = []
        if let size, size != known { lines.append(.size(size)) }
        let count = min(limit, unread.readableBytes)
        if let next = unread.getSlice(at: unread.readerIndex, length: count), count > 0 { lines.append(.bytes(next)) }
        if isEnded, count == unread.readableBytes { lines.append(.end) }
        return lines
    }
}

/// `POST /executions/{id}/input`.
package struct InputResponse: Codable, Sendable, Equatable {
    /// How many bytes the server has, with those that it had before. What follows them is to be sent again.
    package var received: UInt64
    /// How many of them the runner has. They need not be kept any more.
    package var taken: UInt64
    /// The SHA-256 of those, in hexadecimal; none where the server doesn't know it: it was started anew since the first
    /// of them, or the command takes no more.
    package var takenSHA256: String?
    /// Whether the server knows that nothing follows.
    package var ended: Bool
    /// Whether the command takes no more.
    package var closed: Bool

    package init(_ buffer: InputBuffer) {
        self.init(
            received: buffer.received, taken: buffer.taken, takenSHA256: buffer.hash?.text, ended: buffer.isEnded,
            closed: buffer.isClosed)
    }

    package init(received: UInt64, taken: UInt64, takenSHA256: String? = nil, ended: Bool, closed: Bool) {
        self.received = received
        self.taken = taken
        self.takenSHA256 = takenSHA256
        self.ended = ended
        self.closed = closed
    }

    enum CodingKeys: String, CodingKey {
        case received
        case taken
        case takenSHA256 = "taken_sha256"
        case ended
        case closed
    }
}

/// The SHA-256 of the beginning of a command's input: by it a client knows whether that came from it.
package struct InputHash: Sendable {
    private var hash = SHA256()

    package init() {}

    package mutating func add(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// In hexadecimal.
    package var text: String { hash.finalize().hexadecimal }
}
