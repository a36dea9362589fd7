/// Which life of a database this is: it changes when a backup is put back. Within one incarnation an offset stands for
/// one event for ever.
public struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// Accepts what an ``ExecutionID`` may be; `nil` for anything else.
    public init?(_ rawValue: some StringProtocol) {
        guard let name = ExecutionID(rawValue) else { return nil }
        self.rawValue = name.rawValue
    }

    /// Makes a new one of 80 random bits.
    public init(using generator: inout some RandomNumberGenerator) {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        rawValue = String(decoding: (0..<16).map { _ in alphabet[Int(generator.next() & 31)] }, as: UTF8.self)
    }

    public var description: String { rawValue }
}

/// What a client learns that knows a log as it was in an earlier incarnation: up to `base` the log holds the events
/// that the client knows, and whatever the client has beyond that is void.
///
/// The base is the smallest of all incarnations since the client's own. The log's head wouldn't do: with a backup at
/// 60, a viewer at 100 and a head of 75, the viewer would miss the new events 61 to 75.
public struct Restoration: Hashable, Sendable {
    /// The incarnation of now.
    public let incarnation: Incarnation
    public let base: Offset
    /// How many restores there were since the client's own incarnation, as far as the server knows.
    public let count: Int

    public init(to incarnation: Incarnation, base: Offset, count: Int = 1) {
        self.incarnation = incarnation
        self.base = base
        self.count = count
    }
}

/// The open logs of a database that was restored or copied, to which nothing has been appended since.
public struct RestoredLogs: Sendable, Equatable {
    /// When the data's newest incarnation began.
    public let since: Timestamp
    /// The head of each.
    public let bases: [ExecutionID: Offset]

    public init(since: Timestamp, bases: [ExecutionID: Offset]) {
        self.since = since
        self.bases = bases
    }

    /// What a log of these says if it is ended because its producer has not come back; `nil` for another log.
    package func notice(of execution: ExecutionID) -> (code: NoticeCode, message: String)? {
        bases[execution].map { base in
            (
                .restored,
                "The server's data were restored from a backup, or copied, at \(since.text), and the producer has not come back since: what came after event \(base) is missing here, if there was any."
            )
        }
    }
}

/// The incarnations that a log has lived through, oldest first, where a store keeps them in memory.
package struct LogHistory: Sendable {
    private var incarnations: [(incarnation: Incarnation, base: Offset?)]

    /// - Parameter first: the incarnation in which it was made.
    package init(in first: Incarnation) { incarnations = [(first, nil)] }

    package var current: Incarnation { incarnations[incarnations.count - 1].incarnation }

    /// Begins another incarnation.
    ///
    /// - Parameter base: the log's head, if it goes on.
    package mutating func restore(to incarnation: Incarnation, base: Offset?) {
        incarnations.append((incarnation, base))
    }

    /// As ``LogReader/restoration(of:since:)``.
    package func restoration(since known: Incarnation) -> Restoration? {
        guard known != current else { return nil }
        guard let index = incarnations.firstIndex(where: { $0.incarnation == known }) else {
            return Restoration(to: current, base: .zero)
        }
        let later = incarnations[(index + 1)...]
        return later.compactMap(\.base).min().map { Restoration(to: current, base: $0, count: later.count) }
    }
}
