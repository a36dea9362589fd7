import Everyline
import NIOCore

extension APIKey {
    var attributes: Attributes {
        var item = RecordKey.key(id).attributes
        item["key_id"] = .string(id)
        item["user_name"] = .string(user.rawValue)
        item["role_name"] = .string(role.rawValue)
        item["key_hash"] = .binary(ByteBuffer(bytes: hash.bytes))
        item["created_ms"] = .number(createdAt.milliseconds)
        item["revoked_ms"] = revokedAt.map { .number($0.milliseconds) }
        return item
    }

    init(_ item: Attributes) throws(DamagedItem) {
        guard let user = UserID(try item.string("user_name")) else { throw DamagedItem(attribute: "user_name") }
        guard let role = Role(rawValue: try item.string("role_name")) else {
            throw DamagedItem(attribute: "role_name")
        }
        guard let hash = SecretHash(bytes: try item.binary("key_hash").readableBytesView) else {
            throw DamagedItem(attribute: "key_hash")
        }
        self.init(
            id: try item.string("key_id"), user: user, role: role, hash: hash,
            createdAt: Timestamp(milliseconds: try item.number("created_ms")),
            revokedAt: try item.optionalNumber("revoked_ms").map { Timestamp(milliseconds: $0) })
    }
}

extension StreamToken {
    func attributes(hash: SecretHash) -> Attributes {
        var item = RecordKey.token(hash).attributes
        item["execution_id"] = .string(execution.rawValue)
        item["user_name"] = .string(user.rawValue)
        item["key_id"] = .string(key)
        item["expires_ms"] = .number(expiresAt.milliseconds)
        item["expires_s"] = .number(expiresAt.milliseconds / 1000 + 1)
        item["incarnation"] = incarnation.map { .string($0.rawValue) }
        switch start {
        case .after(let offset): item["cursor_offset"] = .number(Int64(offset.rawValue))
        case .notOlderThan(let time): item["last_seen_log_timestamp"] = .number(time.milliseconds)
        }
        return item
    }

    init(_ item: Attributes) throws(DamagedItem) {
        guard let execution = ExecutionID(try item.string("execution_id")) else {
            throw DamagedItem(attribute: "execution_id")
        }
        guard let user = UserID(try item.string("user_name")) else { throw DamagedItem(attribute: "user_name") }
        let start: StreamStart
        if let offset = try item.optionalNumber("cursor_offset") {
            guard offset >= 0 else { throw DamagedItem(attribute: "cursor_offset") }
            start = .after(Offset(UInt64(offset)))
        } else {
            start = .notOlderThan(Timestamp(milliseconds: try item.number("last_seen_log_timestamp")))
        }
        self.init(
            execution: execution, user: user, key: try item.string("key_id"), start: start,
            expiresAt: Timestamp(milliseconds: try item.number("expires_ms")),
            incarnation: try item.optionalString("incarnation").flatMap { Incarnation($0) })
    }
}
