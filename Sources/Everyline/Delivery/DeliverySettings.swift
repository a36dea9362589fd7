/// How one worker sends to one viewer.
public struct DeliverySettings: Sendable, Equatable {
    /// For how long a lock is taken, and renewed with each block. Longer than a turn and than any post.
    public var lease: Duration
    /// How long a turn may last before it gives way.
    public var turn: Duration
    /// The longest message, with its head line; but a single event that is longer goes alone.
    public var frame: ByteCount

    public init(
        lease: Duration = .seconds(30), turn: Duration = .seconds(10), frame: ByteCount = .kibibytes(120)
    ) {
        self.lease = lease
        self.turn = turn
        self.frame = frame
    }
}
