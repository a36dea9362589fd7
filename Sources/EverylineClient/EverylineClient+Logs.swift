import AsyncHTTPClient
public import Everyline
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension EverylineClient {
    /// Asks for a log: the answer is the log once the execution has ended, before that where to follow it.
    public func log(of id: ExecutionID, _ selection: LogSelection = LogSelection()) async throws -> LogResponse {
        var request = APIRequest(.GET, APIPath.execution(id, .logs))
        request.query = selection.query
        request.headers = selection.headers
        let response = try await transport.open(request)
        let type = response.headers.first(name: "Content-Type")?.prefix { $0 != ";" }.lowercased()
        switch type {
        case "application/json":
            let body = try await transport.collect(response.body)
            guard let location = try? JSONDecoder().decode(LogLocation.self, from: Data(body.readableBytesView)) else {
                throw ClientError.unexpectedAnswer("the logs endpoint gave neither a log nor where to follow it")
            }
            return .running(location)
        case APIHeader.ndjson, "text/plain":
            let last = response.headers.first(name: APIHeader.lastOffset).flatMap { Offset(decimal: $0) }
            let next = response.headers.first(name: APIHeader.nextAfter).flatMap { Offset(decimal: $0) }
            return .ended(
                LogDownload(
                    lastOffset: last, nextAfter: next, entityTag: response.headers.first(name: "ETag"),
                    incarnation: response.headers.first(name: APIHeader.incarnation).flatMap { Incarnation($0) },
                    body: response.body))
        default:
            throw ClientError.unexpectedAnswer("the logs endpoint gave \(type ?? "no content type")")
        }
    }
}
