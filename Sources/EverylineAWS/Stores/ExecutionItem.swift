import Everyline
import NIOCore

/// What the record `META` says of an execution; what it says of its log is read by ``LogItem``. They share an item, so
/// that one condition covers both.
///
/// It can be read whatever the log's format is, and means the same in each: so a list, a status and a stop work beside
/// a newer version. The status is not an attribute. It follows from what has happened (begun, asked to stop, ended),
/// each of which is noted by itself; so no write has to know what another one is about to note.
struct ExecutionItem {
    let execution: Execution
    let appendToken: SecretHash
    let format: Int64
    /// When the records are gone, in seconds since the epoch; `nil` for never.
    let expires: Int64?

    init(_ execution: Execution, appendToken: SecretHash, expires: Int64?) {
        self.execution = execution
        self.appendToken = appendToken
        self.expires = expires
        format = LogFormat.current
    }

    init(_ item: Attributes, id: ExecutionID) throws(DamagedItem) {
        format = try item.optionalNumber("format") ?? LogFormat.unnumbered
        guard format >= 0 else { throw DamagedItem(attribute: "format") }
        guard let owner = UserID(try item.string("owner_name")) else { throw DamagedItem(attribute: "owner_name") }
        guard let producer = Execution.Producer(rawValue: try item.string("producer")) else {
            throw DamagedItem(attribute: "producer")
        }
        guard let token = SecretHash(bytes: try item.binary("append_token").readableBytesView) else {
            throw DamagedItem(attribute: "append_token")
        }
        guard case .list(let words) = item["command_words"] else { throw DamagedItem(attribute: "command_words") }
        var command: [String] = []
        for word in words {
            guard case .string(let word) = word else { throw DamagedItem(attribute: "command_words") }
            command.append(word)
        }
        let head = try LogHead(item)
        appendToken = token
        expires = try item.optionalNumber("expires_s")
        execution = Execution(
            id: id, command: command, owner: owner, producer: producer, key: try item.optionalString("key_id"),
            place: CommandPlace(
                host: try item.optionalString("host"), user: try item.optionalString("host_user"),
                directory: try item.optionalString("directory"),
                terminal: TerminalSize(
                    storedColumns: try item.optionalNumber("terminal_columns"),
                    rows: try item.optionalNumber("terminal_rows"))),
            status: try ExecutionStatus(item),
            exitCode: try item.optionalNumber("exit_code").flatMap { Int32(exactly: $0) },
            reason: try item.optionalString("end_reason").flatMap(ExecutionOutcome.Reason.init),
            createdAt: Timestamp(milliseconds: try item.number("created_ms")),
            startedAt: try item.optionalNumber("started_ms").map { Timestamp(milliseconds: $0) },
            endedAt: try item.optionalNumber("ended_ms").map { Timestamp(milliseconds: $0) },
            stopRequestedAt: try item.optionalNumber("stop_ms").map { Timestamp(milliseconds: $0) },
            stoppedBy: try item.optionalString("stopped_by").flatMap { UserID($0) },
            heardAt: try item.optionalNumber("heard_ms").map { Timestamp(milliseconds: $0) },
            head: head.offset, logBytes: head.bytes)
    }

    /// Of an execution that has just been made.
    var attributes: Attributes {
        var item = RecordKey.meta(execution.id).attributes
        item["command_words"] = .list(execution.command.map { .string($0) })
        item["owner_name"] = .string(execution.owner.rawValue)
        item["producer"] = .string(execution.producer.rawValue)
        item["key_id"] = execution.key.map { .string($0) }
        item["host"] = execution.place.host.map { .string($0) }
        item["host_user"] = execution.place.user.map { .string($0) }
        item["directory"] = execution.place.directory.map { .string($0) }
        item["terminal_columns"] = execution.place.terminal.map { .number(Int64($0.columns)) }
        item["terminal_rows"] = execution.place.terminal.map { .number(Int64($0.rows)) }
        item["append_token"] = .binary(ByteBuffer(bytes: appendToken.bytes))
        item["created_ms"] = .number(execution.createdAt.milliseconds)
        item["format"] = .number(format)
        item["head_offset"] = .number(0)
        item["log_bytes"] = .number(0)
        item["latest_ms"] = .number(0)
        item["next_line"] = .number(1)
        item["parked"] = .string("")
        item["expires_s"] = expires.map { .number($0) }
        return item
    }

    /// Whether the records count at `now`; a clean-up may be days late.
    func isKept(at now: Timestamp) -> Bool { expires.map { now.milliseconds / 1000 < $0 } ?? true }

    var listSort: String { RecordKey.listSort(execution.id, createdAt: execution.createdAt) }
}

/// What the record `META` says of a log, whose format this version knows.
struct LogItem {
    let record: ExecutionItem
    let head: LedgerHead
    let bases: LogBases

    /// - Throws: ``DamagedItem``, ``NewerFormat``.
    init(_ item: Attributes, id: ExecutionID) throws {
        record = try ExecutionItem(item, id: id)
        guard record.format <= LogFormat.current else { throw NewerFormat(format: record.format) }
        head = try LedgerHead(item)
        bases = try LogBases(item)
    }

    var execution: Execution { record.execution }
}

extension LogHead {
    init(_ item: Attributes) throws(DamagedItem) {
        let offset = try item.number("head_offset")
        guard offset >= 0 else { throw DamagedItem(attribute: "head_offset") }
        self.init(
            offset: Offset(UInt64(offset)), isEnded: item["end_status"] != nil,
            bytes: Int(try item.number("log_bytes")), latest: Timestamp(milliseconds: try item.number("latest_ms")))
    }
}

extension LedgerHead {
    fileprivate init(_ item: Attributes) throws(DamagedItem) {
        let (sourceTime, created) = (try item.optionalNumber("source_ms"), try item.number("created_ms"))
        // A log of the script that didn't number its lines has none of these.
        let next = try item.optionalNumber("next_line") ?? 1
        guard next > 0, next <= SourceEvent.largestNumber + 1 else { throw DamagedItem(attribute: "next_line") }
        guard let parked = LineRanges.ranges(try item.optionalString("parked") ?? "") else {
            throw DamagedItem(attribute: "parked")
        }
        guard let lost = LineRanges.ranges(try item.optionalString("lost") ?? "") else {
            throw DamagedItem(attribute: "lost")
        }
        self.init(
            log: try LogHead(item), next: UInt64(next), parked: parked, lost: lost,
            hasLoss: item["has_loss"] == .boolean(true),
            sourceTime: sourceTime.map { Timestamp(milliseconds: $0) } ?? Timestamp(milliseconds: created).dayBefore,
            isFull: item["is_full"] == .boolean(true), isStopRequested: item["stop_requested"] == .boolean(true))
    }
}

extension Timestamp {
    /// From when on a log is read whose first line hasn't come: early enough for any clock that is only wrong, for it
    /// bounds what CloudWatch searches through (a group holds the streams of all executions).
    fileprivate var dayBefore: Timestamp { Timestamp(milliseconds: max(0, milliseconds - 24 * 60 * 60 * 1000)) }
}

extension ExecutionStatus {
    init(_ item: Attributes) throws(DamagedItem) {
        if let word = try item.optionalString("end_status") {
            guard let status = ExecutionStatus(rawValue: word), status.isTerminal else {
                throw DamagedItem(attribute: "end_status")
            }
            self = status
        } else if item["stop_requested"] == .boolean(true) {
            self = .terminating
        } else {
            self = item["started_ms"] == nil ? .starting : .running
        }
    }
}

/// Ranges of lines' numbers as one text, so that a condition can compare them: `5-9 12-12`.
enum LineRanges {
    static func text(_ ranges: [ClosedRange<UInt64>]) -> String {
        ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: " ")
    }

    /// - Returns: `nil` for what is no such text.
    static func ranges(_ text: String) -> [ClosedRange<UInt64>]? {
        var ranges: [ClosedRange<UInt64>] = []
        for part in text.split(separator: " ") {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            guard bounds.count == 2, let lower = bounds[0], let upper = bounds[1], 0 < lower, lower <= upper,
                upper <= SourceEvent.largestNumber
            else { return nil }
            ranges.append(lower...upper)
        }
        return ranges
    }
}

/// How a log is written, as `META.format` says: by which runner script, and in which items.
///
/// An update of a deployment changes its functions one after the other. So functions of both versions meet the same
/// logs for minutes: a newer one reads each older format, and an older one neither reads nor writes a log of a newer
/// format. What it was to do with it comes back to its queue, until its own update. What `META` says of the execution
/// is no part of the format (``ExecutionItem``).
enum LogFormat {
    /// Of a log that says nothing: the script didn't number its lines, each of which becomes a notice.
    static let unnumbered: Int64 = 0
    /// The script numbers each line (deploy/aws/runner.sh); the log is blocks behind a head, and parked runs.
    static let numbered: Int64 = 1
    /// The lines of its blocks are packed (``BlockPacking``).
    static let packed: Int64 = 2
    static let current = packed
}

/// A newer Everyline writes this log.
struct NewerFormat: Error, CustomStringConvertible {
    let format: Int64

    var description: String { "the log has format \(format), and this Everyline knows none above \(LogFormat.current)" }
}
