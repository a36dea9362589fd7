package import Logging

/// The runtime: takes one event after the other, lets the handler work, and gives the answer.
///
///     next ─► handle ─► succeed | fail ─► next …
///
/// One event at a time: Lambda never gives an environment a second one before the first has been answered.
package struct LambdaLoop: Sendable {
    private let api: any LambdaRuntimeAPI
    private let handler: any LambdaHandler
    private let logger: Logger

    package init(api: any LambdaRuntimeAPI, handler: any LambdaHandler, logger: Logger) {
        self.api = api
        self.handler = handler
        self.logger = logger
    }

    /// Runs until the runtime API fails.
    ///
    /// - Throws: what the runtime API threw. A handler's errors are reported and don't end the loop.
    package func run() async throws {
        while true {
            let invocation = try await api.next()
            do {
                let answer = try await handler.handle(invocation)
                try await api.succeed(invocation.id, with: answer)
            } catch let error as LambdaRuntimeError {
                throw error
            } catch {
                logger.error(
                    "An invocation failed", metadata: ["invocation": "\(invocation.id)", "error": "\(error)"])
                try await api.fail(invocation.id, with: LambdaFailure(error))
            }
        }
    }

    /// Makes what the function consists of; if that fails, Lambda is told why.
    package static func start<Function>(
        api: any LambdaRuntimeAPI, logger: Logger, _ make: @Sendable () throws -> Function
    ) async throws -> Function {
        let result = Result { try make() }
        if case .failure(let error) = result {
            logger.critical("The function can't be started", metadata: ["error": "\(error)"])
            try await api.failToStart(with: LambdaFailure(error))
        }
        return try result.get()
    }
}

/// Why the runtime API can't be used any more.
package enum LambdaRuntimeError: Error, Equatable {
    /// It answered with a status that the runtime has no way to go on from.
    case refused(path: String, status: Int)
    /// It gave an event without this header.
    case missingHeader(String)
}
