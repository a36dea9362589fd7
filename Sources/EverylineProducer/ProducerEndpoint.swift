package import Everyline
package import NIOCore

/// What a producer asks of its server. Each throws ``APIError`` for what the server refuses and ``ClientError`` where
/// no usable answer came.
package struct ProducerEndpoint: Sendable {
    /// What the server says to an append.
    package struct Appended: Sendable, Equatable {
        /// The log's head then.
        package var head: Offset
        /// Whether the producer should stop.
        package var isStopRequested: Bool
        /// Of the server's data; `nil` from a server that tells none apart.
        package var incarnation: Incarnation?

        package init(head: Offset, isStopRequested: Bool = false, incarnation: Incarnation? = nil) {
            self.incarnation = incarnation
            self.head = head
            self.isStopRequested = isStopRequested
        }
    }

    /// What the server says to a producer that asks whether it should stop.
    package struct StopResponse: Sendable, Equatable {
        package var isRequested: Bool
        /// How long to wait before asking again, where the server answers at once.
        package var pause: Duration
        /// Of the server's data; `nil` from a server that tells none apart.
        package var incarnation: Incarnation?

        package init(isRequested: Bool, pause: Duration = .zero, incarnation: Incarnation? = nil) {
            self.incarnation = incarnation
            self.isRequested = isRequested
            self.pause = pause
        }
    }

    /// Appends events after a head; the producer knows the log in the incarnation.
    package let append:
        @Sendable (_ events: ByteBuffer, _ head: Offset, _ incarnation: Incarnation?) async throws -> Appended
    /// Says what is known of the line that has no newline yet, in the place of what was said before.
    package let setPending: @Sendable (PendingLine, Incarnation?) async throws -> Void
    /// Asks whether the producer should stop. The question may wait at the server for a while.
    package let mustStop: @Sendable () async throws -> StopResponse

    package init(
        append:
            @escaping @Sendable (_ events: ByteBuffer, _ head: Offset, _ incarnation: Incarnation?) async throws ->
            Appended,
        setPending: @escaping @Sendable (PendingLine, Incarnation?) async throws -> Void,
        mustStop: @escaping @Sendable () async throws -> StopResponse
    ) {
        self.append = append
        self.setPending = setPending
        self.mustStop = mustStop
    }

    /// Ends the log of a command that was registered and can't be started.
    ///
    /// - Throws: ``APIError``, ``ClientError``.
    package func endUnstarted(_ reason: String, at time: Timestamp) async throws {
        let outcome = ExecutionOutcome(status: .failed, exitCode: nil, reason: .notStarted)
        _ = try await append(Uplink.ending(.notStarted, reason, outcome, at: time), .zero, nil)
    }
}
