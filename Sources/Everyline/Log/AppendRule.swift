/// Decides an append against the head that the store sees inside its transaction: the rule that every store shares.
public enum AppendRule {
    public enum Decision: Equatable, Sendable {
        /// Add this block, the part of the body that the log doesn't hold yet.
        case add(EventBlock)
        /// The log holds all of it already: a retry, or an empty body.
        case held
        case refuse(LogStoreError)
    }

    /// - Parameter limit: how many bytes a log may hold before only notices and the `end` are taken.
    public static func decide(_ append: LogAppend, at head: LogHead, limit: ByteCount) -> Decision {
        guard append.head <= head.offset else { return .refuse(.outOfOrder(head: head.offset)) }
        guard let rest = append.body.block?.suffix(after: head.offset) else { return .held }
        guard !head.isEnded else { return .refuse(.ended(head: head.offset)) }
        guard head.bytes < limit || !append.body.hasLines else { return .refuse(.logFull(head: head.offset)) }
        return .add(rest)
    }
}
