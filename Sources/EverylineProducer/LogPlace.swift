import Everyline
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a spool's events stand in the log. An event's number in the spool is its offset in the log, until a backup is
/// put back; from then on the two are a shift apart, which each restore changes.
///
/// An event that the way to the server doesn't take whole is sent in parts, which shifts what follows too.
///
/// In each incarnation but the first, the producer's first event is the notice `restored`; a second one says how many
/// events are missing, if the spool has dropped some that the backup lacks. Then the spool's events follow, the first
/// of them without the parts that the backup has.
struct LogPlace: Codable, Sendable, Equatable {
    /// The log in one incarnation, as this producer has it.
    struct Life: Codable, Sendable, Equatable {
        /// `nil` if no server has named any.
        var incarnation: String?
        /// The log's head when it began.
        var base: UInt64 = 0
        /// How many notices follow the base.
        var notices: UInt64 = 0
        /// The spool's events behind this one follow the notices.
        var resumed: UInt64 = 0
        /// How many events before that are missing.
        var lost: UInt64 = 0
        /// How many restores the notice tells of; one if it doesn't say.
        var restores: Int?
        /// The execution whose log took these events no more; `nil` if it is the same.
        var former: String?
        /// What follows the base are the parts of the event `resumed`, with at most so many bytes of its text each, in
        /// the place of notices.
        var part: Int?
        /// How many bytes of that event's text are before these parts, in larger ones.
        var textBefore: Int?
        /// How many of these parts the log has before the base: a restore came between them.
        var partsBefore: Int?

        /// The offset that the spool's events follow.
        var start: UInt64 { base + notices }
    }

    /// What no log reaches; sums of four are offsets.
    static let most = Offset(Offset.maximum.rawValue / 4)

    /// More restores than any server has had; sums of as many as a place keeps are numbers.
    static let mostRestores = 1_000_000

    /// Oldest first; never empty.
    private(set) var lives = [Life()]
    /// What is further back was a restore of a restore of a restore.
    private static let limit = 400

    var incarnation: Incarnation? { newest.incarnation.flatMap { Incarnation($0) } }

    private var newest: Life { lives[lives.count - 1] }
    /// The newest one whose notices are to be sent: where the parts of an event go on behind a restore, the one before
    /// them.
    private var announced: Life { newest.partsBefore == nil ? newest : lives[max(0, lives.count - 2)] }

    /// The spool's last event that the log has from the beginning of the newest incarnation on, or that isn't sent in
    /// it.
    var delivered: Offset { Offset(newest.resumed - (newest.part == nil ? 0 : 1)) }

    /// Notes in which incarnation the log was begun, if that isn't known.
    ///
    /// - Returns: whether that is new.
    mutating func begin(in incarnation: Incarnation) -> Bool {
        guard newest.incarnation == nil else { return false }
        lives[lives.count - 1].incarnation = incarnation.rawValue
        return true
    }

    /// Goes on after a restore.
    ///
    /// - Parameter available: the spool has what comes after this event.
    mutating func move(to restoration: Restoration, available: Offset) {
        let base = restoration.base.rawValue
        let number = self.number(at: restoration.base).rawValue
        let cut = partsSent(at: restoration.base)
        // The notices of those are void too.
        var restores = restoration.count
        while lives.count > 1, newest.base >= base { restores += lives.removeLast().restores ?? 1 }
        let resumed = max(number, available.rawValue)
        let lost = resumed - number
        lives.append(
            Life(
                incarnation: restoration.incarnation.rawValue, base: base, notices: lost > 0 ? 2 : 1, resumed: resumed,
                lost: lost, restores: restores))
        // An event that is gone from the spool is missing as a whole, what the log has of it apart.
        if let cut, lost == 0 {
            lives.append(
                Life(
                    incarnation: restoration.incarnation.rawValue, base: newest.start, notices: UInt64(cut.left),
                    resumed: number + 1, lost: 1, restores: 0, part: cut.limit, textBefore: cut.textBefore,
                    partsBefore: cut.sent))
        }
        if lives.count > Self.limit { lives.removeFirst() }
    }

    /// Sends the event that follows `head`, or what the log lacks of it, in parts: in smaller ones, where it was to be
    /// sent in parts already.
    ///
    /// - Parameters:
    ///   - count: how many they are.
    ///   - limit: how many bytes of its text each has at the most.
    ///   - textBefore: how many bytes of its text the log has.
    /// - Returns: whether it is so now; not if too many were cut before.
    mutating func cut(after head: Offset, into count: Int, of limit: ByteCount, textBefore: ByteCount) -> Bool {
        // The larger parts that were to be sent there are kept until the log has gone on (``uncut(after:)``).
        let settled = zip(lives, lives.dropFirst()).map { $0.isReplaced(by: $1) && $0.base != head.rawValue }
        lives = zip(lives, settled + [false]).filter { !$0.1 }.map(\.0)
        guard lives.count < Self.limit else { return false }
        lives.append(
            Life(
                incarnation: newest.incarnation, base: head.rawValue, notices: UInt64(count),
                resumed: number(at: head).rawValue + 1, lost: 1, restores: 0, part: limit,
                textBefore: textBefore == 0 ? nil : textBefore))
        return true
    }

    /// Goes back to the larger parts, or to the whole event, that were to be sent behind `head` before: a request with
    /// them has arrived late.
    ///
    /// - Returns: whether there are any.
    mutating func uncut(after head: Offset) -> Bool {
        guard newest.part != nil, newest.partsBefore == nil, newest.base == head.rawValue else { return false }
        lives.removeLast()
        return true
    }

    /// An event that is sent in parts.
    struct Cut: Equatable {
        /// Its number in the spool.
        var number: Offset
        /// How many bytes of its text are before the parts.
        var textBefore: ByteCount
        /// How many bytes of its text each part has at the most.
        var limit: ByteCount
        /// How many parts the log has, and how many it lacks.
        var sent, left: Int
    }

    /// The event of which the log has a part and lacks another where its head is this.
    private func partsSent(at head: Offset) -> Cut? {
        lives.last { $0.base < head.rawValue || ($0.base == head.rawValue && $0.partsBefore != nil) }?.cut(at: head)
    }

    /// The event whose parts are being sent where the log's head is this.
    func cut(at head: Offset) -> Cut? { newest.cut(at: head) }

    /// Begins another log, with what the spool has.
    ///
    /// - Parameters:
    ///   - former: the execution whose log takes no more.
    ///   - available: the spool has what comes after this event.
    mutating func begin(anewIn incarnation: Incarnation?, after former: ExecutionID, available: Offset) {
        lives = [
            Life(
                incarnation: incarnation?.rawValue, notices: 1, resumed: available.rawValue, lost: available.rawValue,
                former: former.rawValue)
        ]
    }

    /// The spool's event that stands at an offset of the log; of a notice, the one before it.
    func number(at offset: Offset) -> Offset {
        let life = lives.last { $0.base < offset.rawValue } ?? lives[0]
        guard offset.rawValue >= life.start else {
            let isBefore = life.part != nil || offset.rawValue <= life.base + 1
            return Offset(isBefore ? life.resumed - life.lost : life.resumed)
        }
        return Offset(life.resumed + (offset.rawValue - life.start))
    }

    /// The offset of a spool's event; of one that isn't sent in this incarnation, the offset that the others follow.
    func offset(of number: Offset) -> Offset {
        Offset(newest.start + (max(number.rawValue, newest.resumed) - newest.resumed))
    }

    /// Whether this event of the spool is sent in the newest incarnation.
    func sends(_ number: Offset) -> Bool { number.rawValue > newest.resumed }

    /// The offset behind which the log lacks everything that the spool has, if the server has all up to `acknowledged`.
    func place(after acknowledged: Offset) -> Offset {
        acknowledged > delivered ? offset(of: acknowledged) : Offset(announced.base)
    }

    /// What this producer says of the restore behind an offset of the log; `nil` if it has said all.
    func notices(after offset: Offset, at time: Timestamp) -> ByteBuffer? {
        let life = announced
        guard life.part == nil, (life.base..<life.start).contains(offset.rawValue) else { return nil }
        var notices = ByteBuffer()
        if let former = life.former {
            let missing =
                life.lost == 0
                ? "" : " Its first events, \(life.lost) of them, had been acknowledged and aren't kept any more."
            notices.writeNotice(
                .recovered, "What follows was kept for the log of \(former), whose server takes it no more.\(missing)",
                at: time)
            return notices
        }
        if offset.rawValue == life.base {
            let restores = life.restores ?? 1
            let what = restores == 1 ? "from a backup" : "from backups, \(restores) times"
            let message =
                "The server's data were restored \(what): what came after event \(life.base) is void, and is sent again as far as it is there."
            notices.writeNotice(.restored, message, at: time)
        }
        if life.lost > 0 {
            let events = life.lost == 1 ? "1 event is" : "\(life.lost) events are"
            let message =
                "\(events) missing here: the server had acknowledged them before it was restored, and they aren't kept any more."
            notices.writeNotice(.linesLost, message, at: time)
        }
        return notices
    }

    /// The incarnations that this producer knows before the newest, the newest of them first, each with the base of the
    /// one after it.
    var earlier: [(incarnation: Incarnation, base: Offset)] {
        zip(lives, lives.dropFirst()).reversed().compactMap { life, next in
            guard next.part == nil else { return nil }
            return life.incarnation.flatMap { Incarnation($0) }.map { ($0, Offset(next.base)) }
        }
    }

    // MARK: On the disk

    init() {}

    struct Unreadable: Error, CustomStringConvertible {
        let description = "the spool's file “place” is damaged"
    }

    private static let fileName = "place"
    private static let longestFile: ByteCount = .kibibytes(128)

    /// What is on the disk; `nil` if nothing is.
    ///
    /// - Throws: ``Unreadable`` for what can't have been written; what the disk throws.
    init?(on disk: any SpoolDisk) throws {
        guard try disk.names().contains(Self.fileName) else { return nil }
        let file = try disk.open(Self.fileName)
        defer { file.close() }
        var bytes = ByteBuffer()
        while bytes.readableBytes < Self.longestFile {
            let (position, wanted) = (bytes.readableBytes, Self.longestFile - bytes.readableBytes)
            let count = try bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                try file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: space[..<wanted]))
            }
            if count == 0 { break }
        }
        guard let place = LogPlace(stored: bytes) else { throw Unreadable() }
        self = place
    }

    /// - Returns: `nil` for what can't have been written, as after a crash of the machine.
    init?(stored bytes: ByteBuffer) {
        guard let place = try? JSONDecoder().decode(LogPlace.self, from: Data(bytes.readableBytesView)),
            !place.lives.isEmpty, place.lives.allSatisfy(\.isSound)
        else { return nil }
        self = place
    }

    /// - Throws: what the encoder throws.
    func stored() throws -> ByteBuffer { ByteBuffer(bytes: try JSONEncoder().encode(self)) }

    /// Returns when the disk has it, whole, also after a loss of power.
    ///
    /// - Throws: what the disk and the encoder throw; what was there before stays.
    func write(to disk: any SpoolDisk) throws {
        let temporary = Self.fileName + ".new"
        var bytes = try stored()
        try disk.remove(temporary)
        let file = try disk.create(temporary)
        defer { file.close() }
        while bytes.readableBytes > 0 {
            bytes.moveReaderIndex(forwardBy: try bytes.withUnsafeReadableBytes { try file.append($0) })
        }
        // With this lost and the events there, they would be numbered as if nothing had happened.
        try file.sync()
        try disk.rename(temporary, to: Self.fileName)
    }
}

extension LogPlace.Life {
    fileprivate func cut(at head: Offset) -> LogPlace.Cut? {
        guard let part, (base..<start).contains(head.rawValue) else { return nil }
        let sent = Int(head.rawValue - base)
        return LogPlace.Cut(
            number: Offset(resumed), textBefore: textBefore ?? 0, limit: part, sent: (partsBefore ?? 0) + sent,
            left: Int(notices) - sent)
    }

    /// Whether the next one has smaller parts of the same text.
    fileprivate func isReplaced(by next: Self) -> Bool {
        part != nil && next.part != nil && next.partsBefore == nil && next.base == base
    }

    fileprivate var isSound: Bool {
        let most = LogPlace.most.rawValue
        let isOfParts = part.map { $0 > 0 && lost == 1 && notices <= most } ?? (notices <= 2)
        let isBegun = [textBefore, partsBefore].compactMap(\.self)
            .allSatisfy { part != nil && (0...Int(most)).contains($0) }
        return base <= most && isOfParts && isBegun && resumed <= most && lost <= resumed
    }
}

extension ByteBuffer {
    mutating func writeNotice(_ code: NoticeCode, _ message: String, at time: Timestamp) {
        writeStaticString("{")
        EventFields.writeNotice(code: code.rawValue, message: message, timestamp: time, into: &self)
    }
}
