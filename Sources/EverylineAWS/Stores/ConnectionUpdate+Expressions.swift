import Everyline

extension ConnectionUpdate {
    /// ``apply(to:)`` in DynamoDB's words: what must hold, and what changes then.
    var expressions: (update: DynamoDBExpression, condition: DynamoDBExpression) {
        switch self {
        case .resume(let generation, let after):
            return (
                .init(
                    "SET generation = :generation, start_offset = :after, cursor_offset = :after, "
                        + "fence = fence + :one "
                        + "REMOVE lock_owner, lease_until_ms",
                    [":after": .number(Int64(after.rawValue)), ":one": .number(1)]),
                .init(
                    "is_open = :yes AND generation < :generation",
                    [":yes": .boolean(true), ":generation": .number(Int64(clamping: generation))])
            )
        case .acquire(let owner, let now, let lease):
            return (
                .init(
                    "SET lock_owner = :owner, lease_until_ms = :until, fence = fence + :one",
                    [":owner": .string(owner), ":until": (now + lease).number, ":one": .number(1)]),
                .isServable(at: now).and(
                    "(attribute_not_exists(lock_owner) OR lease_until_ms <= :now OR lease_until_ms > :absurd)",
                    [":absurd": (now + lease * 2).number])
            )
        case .advance(let fence, let from, let to, let lastSeen, let now, let lease):
            var moved: Attributes = [":to": .number(Int64(to.rawValue)), ":seen": lastSeen.number]
            moved[":until"] = lease.map { (now + $0).number }
            return (
                .init(
                    "SET cursor_offset = :to, last_seen_log_timestamp = :seen"
                        + (lease == nil ? " REMOVE lock_owner, lease_until_ms" : ", lease_until_ms = :until"),
                    moved),
                .init(
                    "is_open = :yes AND fence = :fence AND cursor_offset = :from AND attribute_exists(lock_owner)",
                    [
                        ":yes": .boolean(true), ":fence": .number(Int64(clamping: fence)),
                        ":from": .number(Int64(from.rawValue)),
                    ])
            )
        case .release(let fence):
            return (
                .init("REMOVE lock_owner, lease_until_ms"),
                .init(
                    "fence = :fence AND attribute_exists(lock_owner)", [":fence": .number(Int64(clamping: fence))])
            )
        case .finish(let fence):
            return (
                Self.closing,
                .init(
                    "is_open = :yes AND fence = :fence",
                    [":yes": .boolean(true), ":fence": .number(Int64(clamping: fence))])
            )
        case .close:
            return (Self.closing, .init("is_open = :yes", [":yes": .boolean(true)]))
        }
    }

    private static let closing = DynamoDBExpression(
        "SET is_open = :no, fence = fence + :one REMOVE lock_owner, lease_until_ms",
        [":no": .boolean(false), ":one": .number(1)])
}

extension ConnectionUpdate {
    /// Whether only this update can have left the record as it is. Then a refusal is the answer to its repetition.
    ///
    /// A fence belongs to one sender; so no other one advances under it. (The owner of a lock is only a name, and a
    /// name may be given twice. A sender that isn't told of its lock waits for the end of the lease, like any other.)
    func hasMade(_ connection: ViewerConnection) -> Bool {
        guard case .advance(let fence, let from, let to, let lastSeen, let now, let lease) = self else { return false }
        return connection.isOpen && from < to && connection.fence == fence && connection.cursor == to
            && connection.lastSeen == lastSeen && connection.lock?.leaseUntil == lease.map { now + $0 }
    }
}

extension DynamoDBExpression {
    /// ``ViewerConnection/isServable(at:)`` in DynamoDB's words.
    static func isServable(at now: Timestamp) -> DynamoDBExpression {
        DynamoDBExpression(
            "is_open = :yes AND expires_ms > :now AND (stream_form = :lines OR generation > :none)",
            [
                ":yes": .boolean(true), ":now": now.number, ":lines": .string(StreamEncoding.lines.rawValue),
                ":none": .number(0),
            ])
    }
}

extension Timestamp {
    fileprivate var number: AttributeValue { .number(milliseconds) }
}
