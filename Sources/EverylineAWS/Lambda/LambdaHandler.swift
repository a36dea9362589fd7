package import NIOCore

/// What a Lambda function does with an event: the whole of the port between the runtime's loop and a function.
package protocol LambdaHandler: Sendable {
    /// Handles one event and returns the answer as JSON.
    ///
    /// What it throws is reported as the invocation's failure; the event's source decides whether it comes again.
    func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer
}
