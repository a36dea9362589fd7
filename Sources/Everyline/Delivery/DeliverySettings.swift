/// How one worker sends to one viewer.
public struct DeliverySettings: Sendable, Equatable {
    /// For how long a lock is taken, and renewed with each block. Longer than a pass and than any post.
    public var lease: Duration
    /// How long a pass may last before it gives way, and how many blocks it may send.
    public var pass: Duration
    public var blocks: Int
    /// The longest message, with its head line; but a single event that is longer goes alone.
    public var frame: ByteCount

    public init(
        lease: Duration = .seconds(30), pass: Duration = .seconds(10), blocks: Int = 64,
        frame: ByteCount = .kibibytes(120)
    ) {
        self.lease = lease
        self.pass = pass
        self.blocks = blocks
        self.frame = frame
    }
}
