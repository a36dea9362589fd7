/// Decides an append against the head that the store sees inside its transaction: the rule that every store shares.
///
/// Where the log is further than the head that the body follows, the store shows the rule what it holds there, step by
/// step, until the rule has decided:
///
///     var rule = AppendRule(append, at: head, limit: limit)
///     while let wanted = rule.wanted { rule.compare(try read(after: wanted.offset, limit: wanted.limit)) }
///     switch rule.decision { … }
///
/// A retry is compared by its content, so it may be cut into other events than the first try was, by another limit of
/// lines for example. What it adds then follows the log's head, wherever the body's own count would have put it.
package struct AppendRule {
    package enum Decision: Equatable, Sendable {
        /// Add this block, the part of the body that the log doesn't hold yet.
        case add(EventBlock)
        /// The log holds all of it already: a retry, or an empty body.
        case held
        case refuse(LogStoreError)
    }

    /// How much of a log one step of the comparison reads.
    static let step: ByteCount = .kibibytes(256)

    private let append: LogAppend
    private let head: LogHead
    private let limit: ByteCount
    private var comparison: ContentComparison?
    private var decided: Decision?

    /// - Parameters:
    ///   - limit: how many bytes a log may hold before only notices and the `end` are taken.
    ///   - restoration: what ``LogReader/restoration(of:since:)`` says of the append's incarnation. It is the first
    ///     that is looked at.
    package init(_ append: LogAppend, at head: LogHead, limit: ByteCount, restoration: Restoration? = nil) {
        self.append = append
        self.head = head
        self.limit = limit
        if let restoration {
            decided = .refuse(.otherIncarnation(restoration, head: head.offset))
            return
        }
        guard append.head <= head.offset else {
            decided = .refuse(.outOfOrder(head: head.offset))
            return
        }
        guard let block = append.body.block else {
            decided = .held
            return
        }
        if append.head < head.offset {
            comparison = ContentComparison(block)
        } else {
            decided = adding(block)
        }
    }

    /// The events that the log holds behind this offset are to be compared next, in about so many bytes; `nil` once the
    /// rule has decided.
    package var wanted: (offset: Offset, limit: ByteCount)? {
        guard decided == nil, let comparison else { return nil }
        return (comparison.compared, max(1, min(Self.step, comparison.restBytes)))
    }

    /// What is to be done.
    ///
    /// - Precondition: nothing is wanted any more.
    package var decision: Decision {
        guard let decided else { preconditionFailure("the rule hasn't seen all that it wants") }
        return decided
    }

    /// Takes the events that were wanted.
    package mutating func compare(_ held: EventBlock) {
        guard decided == nil, var comparison else { return }
        do {
            if try !comparison.compare(held) {
                decided = .refuse(head.isEnded ? .ended(head: head.offset) : .differentContent(head: head.offset))
            } else if comparison.isComplete {
                decided = .held
            } else if comparison.compared >= head.offset {
                decided = comparison.rest(after: head.offset).map(adding) ?? .held
            }
        } catch {
            decided = .refuse(.unavailable("the log holds what is no event: see `everyline doctor`"))
        }
        self.comparison = comparison
    }

    private func adding(_ block: EventBlock) -> Decision {
        if head.isEnded { return .refuse(.ended(head: head.offset)) }
        guard head.bytes < limit || !append.body.hasLines else { return .refuse(.logFull(head: head.offset)) }
        return .add(block)
    }
}
