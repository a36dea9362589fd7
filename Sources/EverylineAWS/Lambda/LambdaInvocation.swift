package import Everyline
package import NIOCore

/// One event that a Lambda function was started for.
package struct LambdaInvocation: Sendable {
    /// AWS's own name of the invocation, which its logs carry too. A repeated event has another one.
    package let id: String
    /// The event, as JSON.
    package let payload: ByteBuffer
    /// When Lambda kills the function. What isn't durable by then is lost, so long work must stop before.
    package let deadline: Timestamp

    package init(id: String, payload: ByteBuffer, deadline: Timestamp) {
        self.id = id
        self.payload = payload
        self.deadline = deadline
    }

    /// How long the function may still run at the time `now`; zero if it should be over.
    package func remaining(at now: Timestamp) -> Duration { max(deadline - now, .zero) }
}

/// What a Lambda function does with an event: the whole of the port between the runtime's loop and a function.
package protocol LambdaHandler: Sendable {
    /// Handles one event and returns the answer as JSON.
    ///
    /// What it throws is reported as the invocation's failure; the event's source decides whether it comes again.
    func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer
}
