import Everyline

/// Where each record is in the one table.
///
///     E#execution    META                the execution and its log's head
///                    L#last-offset       a block of its log
///                    H#first#last        lines that came too early
///                    M#connection        that a viewer's connection is about it
///                    TASK                the task that runs it (`DynamoDBTaskStore`)
///     S#log-group    stream              the execution that writes to a stream (`DynamoDBTaskStore`)
///     C#connection   CONNECTION          a viewer's connection: its lock and its cursor
///     V#key          connection          a connection that was made with a key
///     EXECUTIONS     created#execution   every execution, in the order of their making
///     ACTIVE         created#execution   those that have not ended
///     I#owner#key    IDEMPOTENCY         the execution that a request has made
///     KEYS           K#key               an API key
///     INCARNATIONS   INCARNATIONS        which lives the data have had (`TableIncarnations`)
///     PROFILES       P#name              in what commands may run (`DynamoDBProfileStore`)
///     H#hash         KEY                 the key with this hash
///     T#shard        hash                a stream's token
///
/// A block's key is its last offset, not its first: so one forward query from the offset that a reader wants begins
/// with the block that holds it.
enum RecordKey {
    static func partition(_ execution: ExecutionID) -> String { "E#\(execution)" }

    static func meta(_ execution: ExecutionID) -> DynamoDBTable.Key { .init(partition(execution), "META") }

    static func block(_ execution: ExecutionID, last: Offset) -> DynamoDBTable.Key {
        .init(partition(execution), blockSort(last))
    }

    static func blockSort(_ last: Offset) -> String { "L#" + padded(last.rawValue, 19) }

    /// Behind every block.
    static let blocksEnd = "L#:"

    static func parked(_ execution: ExecutionID, _ lines: ClosedRange<UInt64>) -> DynamoDBTable.Key {
        .init(partition(execution), "H#" + padded(lines.lowerBound, 16) + "#" + padded(lines.upperBound, 16))
    }

    static let memberPrefix = "M#"

    static func member(_ id: ConnectionID, of execution: ExecutionID) -> DynamoDBTable.Key {
        .init(partition(execution), memberPrefix + id.rawValue)
    }

    static func connection(_ id: ConnectionID) -> DynamoDBTable.Key { .init("C#\(id)", "CONNECTION") }

    static func viewer(_ id: ConnectionID, with key: APIKey.ID) -> DynamoDBTable.Key {
        .init(viewers(with: key), id.rawValue)
    }

    static func viewers(with key: APIKey.ID) -> String { "V#\(key)" }

    static let executions = "EXECUTIONS"
    static let active = "ACTIVE"

    /// Its place in a list: by the time of its making, then by its id.
    static func listSort(_ execution: ExecutionID, createdAt: Timestamp) -> String {
        padded(UInt64(clamping: createdAt.milliseconds), 15) + "#" + execution.rawValue
    }

    static func idempotency(_ owner: UserID, _ key: String) -> DynamoDBTable.Key {
        .init("I#\(owner)#\(key)", "IDEMPOTENCY")
    }

    static let incarnations = DynamoDBTable.Key("INCARNATIONS", "INCARNATIONS")

    static let keys = "KEYS"

    static func key(_ id: APIKey.ID) -> DynamoDBTable.Key { .init(keys, "K#\(id)") }

    static func key(_ hash: SecretHash) -> DynamoDBTable.Key { .init("H#\(hash.bytes.hexadecimal)", "KEY") }

    /// Tokens are spread over partitions, each of which takes a thousand writes a second.
    static let tokenShards = (0..<16).map { "T#\(String($0, radix: 16))" }

    static func token(_ hash: SecretHash) -> DynamoDBTable.Key {
        .init(tokenShards[Int(hash.bytes[0] >> 4)], hash.bytes.hexadecimal)
    }

    private static func padded(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
