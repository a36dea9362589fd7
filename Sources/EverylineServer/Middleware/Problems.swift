import Everyline
import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Gives each request its id, and turns whatever is thrown into `application/problem+json`.
package struct Problems: RouterMiddleware {
    package typealias Context = EverylineContext

    package init() {}

    package func handle(
        _ request: Request, context: EverylineContext, next: (Request, EverylineContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = Self.requestID(of: request.headers) ?? "\(context.id)"
        context.logger[metadataKey: "request_id"] = .string(context.requestID)
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = Self.response(to: error, context)
        }
        Self.sign(&response.headers, context.requestID)
        return request.method == .head ? response.headAlone : response
    }

    /// Adds what each answer has.
    static func sign(_ headers: inout HTTPFields, _ requestID: String) {
        headers[.requestID] = requestID
        // A browser must not take a log for a page or a script, whatever its lines look like.
        headers[.xContentTypeOptions] = "nosniff"
    }

    static func response(to error: any Error, _ context: EverylineContext) -> Response {
        let problem: ProblemError
        if let known = ProblemError(translating: error) {
            problem = known
        } else if let error = error as? any HTTPResponseError, let known = ProblemError(status: error.status) {
            problem = known
        } else {
            context.logger.error("A request failed", metadata: ["error": "\(error)"])
            problem = ProblemError(
                .internalError, "Something went wrong here. The request id finds it in the server's log.")
        }
        return response(problem, requestID: context.requestID)
    }

    static func response(_ error: ProblemError, requestID: String) -> Response {
        let (head, body) = answer(error, requestID: requestID)
        return Response(status: head.status, headers: head.headerFields, body: .init(byteBuffer: body))
    }

    /// The problem document, for where there is no route.
    static func answer(_ error: ProblemError, requestID: String) -> (head: HTTPResponse, body: ByteBuffer) {
        let problem = Problem(
            error.code, detail: error.detail, requestID: requestID, head: error.head.map(\.rawValue),
            restoration: error.restoration)
        var headers: HTTPFields = [.contentType: APIHeader.problem]
        switch error.code {
        case .unauthorized: headers[.wwwAuthenticate] = "Bearer"
        case .tooManyRequests, .unavailable, .noSpace: headers[.retryAfter] = "1"
        case .upgradeRequired:
            headers[.upgrade] = "websocket"
            headers[.connection] = "upgrade"
        default: break
        }
        headers[.xContentTypeOptions] = "nosniff"
        headers.append(contentsOf: error.fields)
        let body = (try? JSONEncoder.wire.encode(problem)) ?? Data()
        let status = HTTPResponse.Status(code: error.code.status, reasonPhrase: error.code.title)
        return (HTTPResponse(status: status, headerFields: headers), ByteBuffer(bytes: body))
    }

    /// The client's own, if it names a harmless one.
    static func requestID(of headers: HTTPFields) -> String? {
        headers[.requestID].flatMap { ExecutionID($0) }?.rawValue
    }
}

extension Response {
    /// The same head, with the length of the body that isn't sent if that is known: a body here would be read as the
    /// beginning of the next answer.
    fileprivate var headAlone: Response {
        // One of no announced length, since a length goes into the head.
        Response(status: status, headers: headers, body: ResponseBody { try await $0.finish(nil) })
    }
}

extension ProblemError {
    /// For the errors that the HTTP library makes itself.
    fileprivate init?(status: HTTPResponse.Status) {
        switch status.code {
        case 400: self.init(.invalidRequest, "The request could not be read.")
        case 404: self.init(.notFound, "There is nothing at this path.")
        case 405: self.init(.methodNotAllowed, "This path doesn't take that method.")
        case 413: self.init(.bodyTooLarge, "The body is larger than this path takes.")
        default: return nil
        }
    }
}

extension JSONEncoder {
    /// Keys sorted, so that an answer can be compared; slashes left alone, so that a URL can be read.
    package static var wire: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
