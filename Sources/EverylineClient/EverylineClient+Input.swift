package import Everyline
import NIOCore
import NIOHTTP1

// A command's standard input. Each request may be sent again: bytes that the server has are passed over.
extension EverylineClient {
    /// Hands lines to the server, the first byte of which has the place `after`, and learns how far it is. The server
    /// answers later where it has no room, and where there are no bytes, when the runner has everything or some twenty
    /// seconds have passed.
    package func writeInput(_ lines: [InputLine], to id: ExecutionID, after: UInt64) async throws -> InputResponse {
        var request = APIRequest(.POST, APIPath.execution(id, .input))
        request.query = [(name: "after", value: "\(after)")]
        request.body = InputLine.body(lines)
        request.contentType = APIHeader.ndjson
        request.timeout = .seconds(60)
        return try await transport.answer(to: request, as: InputResponse.self)
    }

    /// What follows the place `after`, before which the caller has everything; nothing if nothing came for some twenty
    /// seconds.
    ///
    /// - Parameters:
    ///   - size: that of the caller's terminal; another one comes as a line.
    ///   - isClosed: whether the caller takes no more.
    ///   - token: the execution's append token.
    package func readInput(
        of id: ExecutionID, after: UInt64, size: TerminalSize?, isClosed: Bool, token: Credential
    ) async throws -> [InputLine] {
        var request = APIRequest(.GET, APIPath.execution(id, .input))
        request.query = [(name: "after", value: "\(after)")]
        if let size {
            request.query += [(name: "columns", value: "\(size.columns)"), (name: "rows", value: "\(size.rows)")]
        }
        if isClosed { request.query.append((name: "closed", value: "true")) }
        request.credential = token
        request.timeout = .seconds(60)
        let body = try await transport.send(request)
        do throws(InputLine.Invalid) {
            return try InputLine.parse(body)
        } catch {
            throw ClientError.unexpectedAnswer("line \(error.line) is no line of input")
        }
    }
}
