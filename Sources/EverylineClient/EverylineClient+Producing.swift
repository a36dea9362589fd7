public import Everyline
public import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EverylineClient {
    /// Appends events behind `head` and returns the log's head then, and whether the producer should stop. It is
    /// durable when this returns.
    ///
    /// The same body after the same head may be sent again, whatever became of the first try: what the log holds
    /// already is passed over.
    /// - Parameters:
    ///   - events: NDJSON of `{timestamp, stream?, message}` lines, with the `end` line last if it ends the log. Empty
    ///     is a sign of life.
    ///   - head: the offset of the event that `events` follow.
    ///   - token: the execution's append token.
    ///   - incarnation: the one that the producer knows; `nil` if no server has named any.
    /// - Returns: also the server's incarnation, if it names one.
    /// - Throws: ``APIError`` with 413 (`body_too_large`) if a line, or all of it, is longer than the server takes;
    ///   with ``APIError/restoration`` if a backup was put back since (`other_incarnation`), with ``APIError/head`` if
    ///   the log isn't there yet (`append_out_of_order`), has ended (`execution_ended`) or is full (`log_full`).
    public func append(
        _ events: ByteBuffer, to id: ExecutionID, after head: Offset, token: Credential,
        in incarnation: Incarnation? = nil
    ) async throws -> (head: Offset, isStopRequested: Bool, incarnation: Incarnation?) {
        var request = APIRequest(.POST, APIPath.execution(id, .events))
        request.query = [(name: "after", value: "\(head)"), (name: "cut", value: "false")] + incarnation.query
        request.body = events
        request.contentType = APIHeader.ndjson
        request.credential = token
        request.waitsWhileBytesMove = true
        let answer = try await transport.answer(to: request, as: AppendResponse.self)
        try require(answer.executionID, isOf: id)
        guard answer.head <= Offset.maximum.rawValue else { throw ClientError.unexpectedAnswer("no log is that long") }
        return (Offset(answer.head), answer.stopRequested, answer.incarnation.flatMap { Incarnation($0) })
    }

    /// Says what there is of a line that has no newline yet, in the place of what was said before. Viewers see it at
    /// most ten times a second; it isn't stored, and ends with the next event or with an empty message. Nothing is to
    /// be sent again.
    ///
    /// - Throws: ``APIError`` with the code `not_supported` where whole lines only are shown; with 404 or 405 by a
    ///   server that knows no such thing.
    public func setPending(
        _ line: PendingLine, of id: ExecutionID, token: Credential, in incarnation: Incarnation? = nil
    ) async throws {
        var request = APIRequest(.PUT, APIPath.execution(id, .pending))
        request.query = incarnation.query
        request.body = ByteBuffer(bytes: try JSONEncoder().encode(line))
        request.contentType = "application/json"
        request.credential = token
        request.timeout = .seconds(5)
        try await transport.send(request)
    }

    /// Waits until the producer should stop, or for some twenty seconds; the answer says which it was. Ask again then.
    /// A server whose answer has ``ControlResponse/pollAfterSeconds`` hasn't waited: ask again after that time.
    public func control(of id: ExecutionID, token: Credential) async throws -> ControlResponse {
        var request = APIRequest(.GET, APIPath.execution(id, .control))
        request.credential = token
        request.timeout = .seconds(60)
        let answer = try await transport.answer(to: request, as: ControlResponse.self)
        try require(answer.executionID, isOf: id)
        return answer
    }

    /// What a proxy has answered for another log's producer is heeded in nothing.
    private func require(_ named: String?, isOf execution: ExecutionID) throws(ClientError) {
        guard named == nil || named == execution.rawValue else {
            throw .unexpectedAnswer("it is about another execution")
        }
    }
}
