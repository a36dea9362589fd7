package import Everyline
package import EverylineClient
package import NIOCore

/// What a producer asks of its server. Each throws ``APIError`` or ``ClientError``, as ``EverylineClient`` does.
package struct ProducerEndpoint: Sendable {
    /// Appends events after a head, and returns the log's head then.
    package let append: @Sendable (_ events: ByteBuffer, _ head: Offset) async throws -> Offset
    /// Waits for a while; whether the producer should stop.
    package let mustStop: @Sendable () async throws -> Bool

    package init(
        append: @escaping @Sendable (_ events: ByteBuffer, _ head: Offset) async throws -> Offset,
        mustStop: @escaping @Sendable () async throws -> Bool
    ) {
        self.append = append
        self.mustStop = mustStop
    }

    /// The log of one execution on a server.
    package init(_ client: EverylineClient, execution: ExecutionID, token: Credential) {
        self.init(
            append: { try await client.append($0, to: execution, after: $1, token: token) },
            mustStop: { try await client.control(of: execution, token: token).stopRequested })
    }
}
