package import Everyline
package import NIOCore

/// What a ``ResumingTail`` needs of the world, as closures. Each throws ``TailFailure``, or `CancellationError`.
package struct TailEndpoint: Sendable {
    /// Asks where to follow the log.
    package var locate: @Sendable (StreamStart) async throws -> TailSource
    /// Opens the stream at a URL that ``locate`` gave.
    package var open: @Sendable (String, StreamStart) async throws -> any TailConnection
    /// Asks how the execution stands.
    package var standing: @Sendable () async throws -> TailStanding

    package init(
        locate: @escaping @Sendable (StreamStart) async throws -> TailSource,
        open: @escaping @Sendable (String, StreamStart) async throws -> any TailConnection,
        standing: @escaping @Sendable () async throws -> TailStanding
    ) {
        self.locate = locate
        self.open = open
        self.standing = standing
    }
}

/// Where a log can be followed.
package enum TailSource {
    /// At this URL.
    case stream(String)
    /// Here: it has ended, and this is what follows the offset.
    case download(any TailConnection)
}

/// How an execution stands.
package struct TailStanding: Sendable, Equatable {
    /// `nil` until it has ended.
    package let outcome: ExecutionOutcome?
    package let head: Offset

    package init(outcome: ExecutionOutcome?, head: Offset) {
        self.outcome = outcome
        self.head = head
    }
}

/// One connection over which events come. A reader that doesn't ask makes the server wait.
package protocol TailConnection {
    /// What comes next.
    ///
    /// - Throws: `CancellationError`.
    mutating func next() async throws -> TailReading

    /// Hangs up, if that hasn't happened yet. Letting go of the connection does the same.
    func close()
}

package enum TailReading: Sendable, Equatable {
    /// Whole lines.
    case message(ByteBuffer)
    /// The server closed in order; a download that is complete has 1000.
    case closed(code: UInt16, reason: String)
    /// The connection broke, or nothing came for too long.
    case lost(String)
}

/// Why there is no connection, or no answer.
package enum TailFailure: Error, Equatable {
    case refused(APIError)
    case unreachable(String)
    case unusable(String)
}
