package import Everyline
import NIOCore

/// Holds an ended log against CloudWatch, line for line, and changes nothing.
///
/// First CloudWatch is read once, in whatever order it has the messages, and a digest of each line is kept under its
/// number; then the log is read once, and each of its events must be what CloudWatch has there:
///
///     line, part      the line with the number that is due: the same text
///     lines_lost      those numbers are not in CloudWatch, or come as late_line
///     late_line       a number that was given up: the same text
///     unnumbered      something that CloudWatch has without a number
///     log_full        nothing more is compared
///     end             what the script wrote as its end
///
/// Behind the end nothing may be left over in CloudWatch.
package struct LogVerifier: Sendable {
    private let ledger: any Ledger
    private let source: any LogSource
    private let lineLimit: ByteCount

    /// How many bytes of the log are read at a time.
    private static let page: ByteCount = .mebibytes(1)

    package init(ledger: any Ledger, source: any LogSource, lineLimit: ByteCount = LedgerLimits().line) {
        self.ledger = ledger
        self.source = source
        self.lineLimit = lineLimit
    }

    /// - Parameter directory: where the lines' digests are kept meanwhile, 16 bytes a line.
    /// - Throws: ``VerificationError``, ``NoRoomForDigests``, and what the ports throw.
    package func verify(_ execution: ExecutionID, keepingDigestsIn directory: String) async throws -> LogVerification {
        let head = try await ledger.ledgerHead(of: execution)
        guard head.log.isEnded else { throw VerificationError.hasNotEnded }
        var digests = try LineDigests(in: directory)
        var found = SourceFindings(next: head.next, lineLimit: lineLimit)
        try await readSource(execution, &found, &digests)
        if found.result.messages == 0, head.next > 1 { throw VerificationError.isNotInCloudWatch }
        var walk = LogWalk(found)
        var offset = Offset.zero
        while offset < head.log.offset,
            let block = try await ledger.read(execution, after: offset, limit: Self.page).block
        {
            for event in try LogEvent.decode(lines: block.bytes) { try walk.take(event, &digests) }
            offset = block.last
        }
        try walk.finish(&digests)
        return walk.result
    }

    private func readSource(
        _ execution: ExecutionID, _ found: inout SourceFindings, _ digests: inout LineDigests
    ) async throws {
        var position: SourcePosition?
        repeat {
            let page = try await source.read(execution, from: .epoch, at: position)
            for event in page.events { try found.take(event, &digests) }
            position = page.next
        } while position != nil
    }
}

/// What CloudWatch has of a log, but for the lines themselves.
struct SourceFindings {
    var result = LogVerification()
    /// The number behind the log's last one: what is above can't be in the log.
    let next: UInt64
    let lineLimit: ByteCount
    /// The script's end.
    private(set) var end: (number: UInt64, end: ScriptEnd)?
    /// The first and the last number at which the log has nothing any more.
    private(set) var beyond: ClosedRange<UInt64>?
    /// Digests of what has no number, as long as there are few enough.
    private(set) var unnumbered: Set<UInt64>? = []

    /// How many digests of messages without a number are kept.
    static let unnumberedLimit = 100_000

    init(next: UInt64, lineLimit: ByteCount) {
        self.next = next
        self.lineLimit = lineLimit
    }

    mutating func take(_ event: SourceEvent, _ digests: inout LineDigests) throws {
        result.messages += 1
        guard let number = event.number else { return takeUnnumbered(event.text) }
        if case .end(let end) = event.kind { self.end = (number, end) }
        guard number < next else {
            beyond = min(number, beyond?.lowerBound ?? number)...max(number, beyond?.upperBound ?? number)
            return
        }
        let kind: LineDigests.Kind =
            switch event.kind {
            case .line: .line
            case .part: .part
            case .end: .end
            }
        let entry = LineDigests.Entry(
            LineDigests.digest(event.text), kind, parts: event.text.parts(limit: lineLimit).count)
        guard var known = try digests.entry(number) else { return try digests.set(number, to: entry) }
        guard known != entry else { return result.duplicates += 1 }
        guard !known.isDoubtful else { return }
        known.isDoubtful = true
        try digests.set(number, to: known)
        result.differs("line \(number) is in CloudWatch with two texts, one of which is \(event.text.quoted)")
    }

    private mutating func takeUnnumbered(_ text: String) {
        result.unnumbered.messages += 1
        guard unnumbered.map({ $0.count < Self.unnumberedLimit }) == true else { return unnumbered = nil }
        for part in text.parts(limit: lineLimit) { unnumbered?.insert(LineDigests.digest(part).0) }
    }
}

/// Goes through a log's events in order, beside what CloudWatch has.
struct LogWalk {
    private(set) var result: LogVerification
    private let found: SourceFindings
    /// The number that is due.
    private var next: UInt64 = 1
    /// The parts of a line that was cut for the log, as far as they have come.
    private var parts: [String] = []
    /// Lines that were given up and are in CloudWatch: each must come as a notice. At most ``awaitedLimit`` of them.
    private var awaited: Set<UInt64> = []

    static let awaitedLimit = 100_000

    init(_ found: SourceFindings) {
        self.found = found
        result = found.result
    }

    mutating func take(_ event: LogEvent, _ digests: inout LineDigests) throws {
        switch event.content {
        case .line(let line): try take(line, at: event.offset, &digests)
        case .notice(let code, let message): try take(NoticeCode(rawValue: code), message, at: event.offset, &digests)
        case .end(let outcome): try take(outcome, &digests)
        }
    }

    /// Names what is left over.
    mutating func finish(_ digests: inout LineDigests) throws {
        if result.outcome == nil { result.differs("the log has no end") }
        guard !result.isFull else { return }
        while next < found.next {
            if try digests.entry(next) != nil { result.differs("line \(next) is in CloudWatch and not in the log") }
            next += 1
        }
        if let beyond = found.beyond {
            result.differs(
                beyond.count == 1
                    ? "number \(beyond.lowerBound) is in CloudWatch and not in the log"
                    : "numbers from \(beyond.lowerBound) to \(beyond.upperBound) are in CloudWatch and not in the log")
        }
        for number in awaited.sorted() {
            result.differs("line \(number), which the log has given up, is in CloudWatch")
        }
    }

    private mutating func take(_ line: LogLine, at offset: Offset, _ digests: inout LineDigests) throws {
        guard !result.isFull else {
            return result.differs("offset \(offset) is a line behind the notice that the log is full")
        }
        let entry = try digests.entry(next)
        parts.append(line.message)
        if let entry, parts.count < Int(entry.parts), line.isPartial { return }
        let text = parts.joined()
        parts = []
        defer { next += 1 }
        guard let entry else {
            return result.differs(
                "line \(next) is in the log, at offset \(offset), and not in CloudWatch: \(text.quoted)")
        }
        guard !entry.isDoubtful else { return }
        guard entry.digest == LineDigests.digest(text) else {
            return result.differs(
                "line \(next), at offset \(offset), is another one in CloudWatch; in the log it is \(text.quoted)")
        }
        guard entry.is(line.isPartial ? .part : .line) else {
            return result.differs(
                "line \(next), at offset \(offset), \(line.isPartial ? "goes on" : "does not go on") in the log, other than in CloudWatch"
            )
        }
        result.same += 1
    }

    private mutating func take(
        _ code: NoticeCode?, _ message: String, at offset: Offset, _ digests: inout LineDigests
    ) throws {
        switch code {
        case .linesLost:
            guard let range = LostLines(message)?.numbers, range.lowerBound == next, range.upperBound < found.next
            else {
                return result.differs(
                    "offset \(offset) gives up other lines than those from \(next) on: \(message.quoted)")
            }
            result.lost.append(range)
            for number in range where try digests.entry(number) != nil {
                guard awaited.count < Self.awaitedLimit else {
                    result.differs("line \(number), which the log has given up, is in CloudWatch")
                    continue
                }
                awaited.insert(number)
            }
            next = range.upperBound + 1
        case .lateLine:
            guard let late = LateLine(message) else {
                return result.differs("offset \(offset) is no late line: \(message.quoted)")
            }
            awaited.remove(late.number)
            guard let entry = try digests.entry(late.number), entry.digest == LineDigests.digest(late.line) else {
                return result.differs(
                    "line \(late.number), which came late to offset \(offset), is another one in CloudWatch")
            }
            result.late += 1
        case .unnumbered:
            result.unnumbered.notices += 1
            guard let known = found.unnumbered, !known.contains(LineDigests.digest(message).0) else { return }
            result.differs("offset \(offset) tells of a message that is not in CloudWatch: \(message.quoted)")
        case .logFull: result.isFull = true
        default: break
        }
    }

    private mutating func take(_ outcome: ExecutionOutcome, _ digests: inout LineDigests) throws {
        result.outcome = outcome
        let isWhole = result.lost.isEmpty && !result.isFull
        if outcome.isVerified == true, !isWhole || found.end == nil {
            result.differs("the log is verified, although \(isWhole ? "CloudWatch has no end" : "lines are missing")")
        }
        guard let end = found.end else { return }
        if !result.isFull {
            guard end.number == next else {
                return result.differs("the end is number \(end.number) in CloudWatch, and \(next) is due in the log")
            }
            // An end that came only once ECS had said the same is beyond the log's numbers.
            if next < found.next { next += 1 }
        }
        if let code = outcome.exitCode, code != end.end.exitCode {
            result.differs("the log ends with exit code \(code), the script with \(end.end.exitCode)")
        }
    }
}

extension String {
    /// As the ledger cuts it.
    fileprivate func parts(limit: ByteCount) -> [String] {
        var (text, parts) = (self, [String]())
        text.withUTF8 { text in
            UnsafeRawBufferPointer(text).forEachPart(limit: limit) { part, _ in
                parts.append(String(decoding: part, as: UTF8.self))
            }
        }
        return parts
    }

    /// The beginning of it, as one line, for people.
    fileprivate var quoted: String {
        let shown = prefix(60).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? "\u{FFFD}" : $0 }
        return "'\(String(shown))\(count > 60 ? "…" : "")'"
    }
}
