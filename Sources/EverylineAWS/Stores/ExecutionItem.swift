import Everyline
import NIOCore

/// The record `META`: an execution and where its log ends, in one item, so that one condition covers both.
///
/// The status is not an attribute. It follows from what has happened (begun, asked to stop, ended), each of which is noted by
/// itself; so no write has to know what another one is about to note.
struct ExecutionItem {
    var execution: Execution
    var head: LedgerHead
    let appendToken: SecretHash
    /// When the records are gone, in seconds since the epoch; `nil` for never.
    let expires: Int64?

    init(_ execution: Execution, appendToken: SecretHash, expires: Int64?) {
        self.execution = execution
        self.appendToken = appendToken
        self.expires = expires
        head = LedgerHead()
    }

    init(_ item: Attributes, id: ExecutionID) throws(DamagedItem) {
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
        head = try LedgerHead(item)
        appendToken = token
        expires = try item.optionalNumber("expires_s")
        execution = Execution(
            id: id, command: command, owner: owner, producer: producer, key: try item.optionalString("key_id"),
            status: try ExecutionStatus(item),
            exitCode: try item.optionalNumber("exit_code").flatMap { Int32(exactly: $0) },
            reason: try item.optionalString("end_reason").flatMap(ExecutionOutcome.Reason.init),
            createdAt: Timestamp(milliseconds: try item.number("created_ms")),
            startedAt: try item.optionalNumber("started_ms").map { Timestamp(milliseconds: $0) },
            endedAt: try item.optionalNumber("ended_ms").map { Timestamp(milliseconds: $0) },
            stopRequestedAt: try item.optionalNumber("stop_ms").map { Timestamp(milliseconds: $0) },
            heardAt: try item.optionalNumber("heard_ms").map { Timestamp(milliseconds: $0) },
            head: head.log.offset, logBytes: head.log.bytes)
    }

    /// Of an execution that has just been made.
    var attributes: Attributes {
        var item = RecordKey.meta(execution.id).attributes
        item["command_words"] = .list(execution.command.map { .string($0) })
        item["owner_name"] = .string(execution.owner.rawValue)
        item["producer"] = .string(execution.producer.rawValue)
        item["key_id"] = execution.key.map { .string($0) }
        item["append_token"] = .binary(ByteBuffer(bytes: appendToken.bytes))
        item["created_ms"] = .number(execution.createdAt.milliseconds)
        item["head_offset"] = .number(0)
        item["log_bytes"] = .number(0)
        item["latest_ms"] = .number(0)
        item["line_count"] = .number(0)
        item["expires_s"] = expires.map { .number($0) }
        return item
    }

    /// Whether the records count at `now`; a clean-up may be days late.
    func isKept(at now: Timestamp) -> Bool { expires.map { now.milliseconds / 1000 < $0 } ?? true }

    var listSort: String { RecordKey.listSort(execution.id, createdAt: execution.createdAt) }
}

extension LedgerHead {
    init(_ item: Attributes) throws(DamagedItem) {
        let offset = try item.number("head_offset")
        guard offset >= 0 else { throw DamagedItem(attribute: "head_offset") }
        let sentinel = try item.optionalNumber("sentinel_lines")
        guard sentinel ?? 0 >= 0 else { throw DamagedItem(attribute: "sentinel_lines") }
        self.init(
            log: LogHead(
                offset: Offset(UInt64(offset)), isEnded: item["end_status"] != nil,
                bytes: Int(try item.number("log_bytes")),
                latest: Timestamp(milliseconds: try item.number("latest_ms"))),
            lines: Int(try item.number("line_count")),
            sentinel: sentinel.map { FinalSentinel(lines: Int($0)) },
            isFull: item["is_full"] == .boolean(true))
    }
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
