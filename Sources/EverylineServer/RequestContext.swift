package import Everyline
package import Hummingbird
import NIOCore

/// One request on its way through the middleware and the routes.
package struct EverylineContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The client's own `X-Request-ID` where that is harmless, else a new one.
    package var requestID = ""

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }

    /// The execution that the path names.
    ///
    /// - Throws: the same error as for an execution that doesn't exist, if it can't be an id.
    package func executionID() throws -> ExecutionID {
        guard let text = parameters.get("id"), let id = ExecutionID(text) else {
            throw APIError(.unknownExecution, "There is no execution with this id.")
        }
        return id
    }
}
