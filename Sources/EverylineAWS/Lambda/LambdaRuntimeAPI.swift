import Everyline
package import NIOCore

/// The custom runtime's side of Lambda (version 2018-06-01): where events come from and answers go to.
///
/// Whatever these throw means that the environment can't be used any more; the process must end, and Lambda makes
/// another.
package protocol LambdaRuntimeAPI: Sendable {
    /// Waits for the next event, however long that takes: between two events Lambda freezes the process.
    func next() async throws -> LambdaInvocation

    /// Gives the answer to an invocation.
    func succeed(_ id: String, with answer: ByteBuffer) async throws

    /// Says that an invocation failed.
    func fail(_ id: String, with failure: LambdaFailure) async throws

    /// Says that the function can't be started at all.
    func failToStart(with failure: LambdaFailure) async throws
}

/// An error as Lambda shows it to the caller.
package struct LambdaFailure: Sendable, Equatable {
    /// A stable word.
    package let type: String
    /// For people. It must hold no secret: it ends up in logs and in failure destinations.
    package let message: String

    package init(type: String, message: String) {
        self.type = type
        self.message = message
    }

    /// The error that a handler threw, under its type's name.
    package init(_ error: any Error) {
        self.init(type: "\(Swift.type(of: error))", message: "\(error)")
    }

    /// The answer's body, and the form in which Lambda wants it.
    package var json: ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"errorType\":\"")
        body.writeJSONText(type)
        body.writeStaticString("\",\"errorMessage\":\"")
        body.writeJSONText(message)
        body.writeStaticString("\",\"stackTrace\":[]}")
        return body
    }
}
