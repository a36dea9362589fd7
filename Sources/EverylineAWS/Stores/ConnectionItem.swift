import Everyline

extension ViewerConnection {
    func attributes(_ id: ConnectionID) -> Attributes {
        var item = RecordKey.connection(id).attributes
        item["execution_id"] = .string(execution.rawValue)
        item["generation"] = .number(Int64(generation))
        item["start_offset"] = .number(Int64(start.rawValue))
        item["cursor_offset"] = .number(Int64(cursor.rawValue))
        item["last_seen_log_timestamp"] = lastSeen.map { .number($0.milliseconds) }
        item["fence"] = .number(Int64(fence))
        item["lock_owner"] = (lock?.owner).map { .string($0) }
        item["lease_until_ms"] = lock.map { .number($0.leaseUntil.milliseconds) }
        item["is_open"] = .boolean(isOpen)
        item["stream_form"] = .string(encoding.rawValue)
        item["key_id"] = .string(key)
        item["connected_ms"] = .number(connectedAt.milliseconds)
        item["expires_ms"] = .number(expiresAt.milliseconds)
        item["expires_s"] = .number(expiresAt.milliseconds / 1000 + 1)
        return item
    }

    init(_ item: Attributes) throws(DamagedItem) {
        guard let execution = ExecutionID(try item.string("execution_id")) else {
            throw DamagedItem(attribute: "execution_id")
        }
        func natural(_ name: String) throws(DamagedItem) -> UInt64 {
            guard let value = UInt64(exactly: try item.number(name)) else { throw DamagedItem(attribute: name) }
            return value
        }
        guard let encoding = StreamEncoding(rawValue: try item.string("stream_form")) else {
            throw DamagedItem(attribute: "stream_form")
        }
        var lock: ReplayLock?
        if let owner = try item.optionalString("lock_owner") {
            lock = ReplayLock(
                owner: owner, leaseUntil: Timestamp(milliseconds: try item.number("lease_until_ms")))
        }
        self.init(
            execution: execution, generation: try natural("generation"), start: Offset(try natural("start_offset")),
            cursor: Offset(try natural("cursor_offset")),
            lastSeen: try item.optionalNumber("last_seen_log_timestamp").map { Timestamp(milliseconds: $0) },
            fence: try natural("fence"), lock: lock, isOpen: try item.boolean("is_open"), encoding: encoding,
            key: try item.string("key_id"), connectedAt: Timestamp(milliseconds: try item.number("connected_ms")),
            expiresAt: Timestamp(milliseconds: try item.number("expires_ms")))
    }
}
