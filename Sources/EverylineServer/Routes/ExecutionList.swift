import Everyline
import EverylineDeflate
import HTTPTypes
import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A page of the list of executions as an answer: read and encoded within a budget that all lists share, by the
/// workers, and written as fast as its client reads.
struct ExecutionList {
    let core: ServerCore
    /// The page ends when it is so long.
    let bytes: ByteCount

    /// What a page takes at the most while it is made, in multiples of its bytes: the rows, the answer, the answer
    /// compressed.
    private static let effort = 4

    /// - Throws: ``ProblemError``, ``ByteBudget/Exhausted``, or what the store throws.
    func response(to request: Request, _ context: EverylineContext, _ query: ExecutionQuery) async throws -> Response {
        let memory = try await core.resources.lists.lease(Self.effort * bytes)
        defer { withExtendedLifetime(memory) {} }
        var wanted = query
        // One more shows whether there are more.
        wanted.limit += 1
        wanted.bytes = bytes
        let found = try await core.executions.list(wanted)
        let isCompressed = AcceptEncoding(request.headers[.acceptEncoding]).allowsGzip
        let answer = try await core.resources.workers.run {
            let json = try encode(found, query)
            // It isn't worth it for a few.
            guard isCompressed, json.readableBytes >= 1024 else { return (body: json, isCompressed: false) }
            return (body: json.deflated(as: .gzip, level: 5), isCompressed: true)
        }
        var headers: HTTPFields = [
            .contentType: "application/json", .cacheControl: "no-store", .vary: "Accept-Encoding",
        ]
        if answer.isCompressed { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: body(answer.body, context))
    }

    private func encode(_ found: [Execution], _ query: ExecutionQuery) throws -> ByteBuffer {
        let encoder = JSONEncoder.wire
        var json = ByteBuffer(string: "{\"executions\":[")
        var last: ExecutionID?
        for execution in found.prefix(query.limit) where json.readableBytes < bytes {
            if last != nil { json.writeStaticString(",") }
            json.writeBytes(try encoder.encode(ExecutionView(execution)))
            last = execution.id
        }
        json.writeStaticString("]")
        // The store ends its list early too, so more may follow where it gave no more.
        if let last, last != found.last?.id || found.reduce(0, { $0 + $1.commandBytes }) >= bytes {
            json.writeString(",\"next_cursor\":\"\(last)\"")
        }
        json.writeStaticString("}")
        return json
    }

    private func body(_ whole: ByteBuffer, _ context: EverylineContext) -> ResponseBody {
        guard whole.readableBytes > Self.piece else { return ResponseBody(byteBuffer: whole) }
        let paced = PacedBody(context: context, unread: core.resources.unread)
        return ResponseBody(contentLength: whole.readableBytes) { writer in
            var rest = whole
            while let piece = rest.readSlice(length: min(Self.piece, rest.readableBytes)), piece.readableBytes > 0 {
                try await paced.write(piece, held: whole.readableBytes, to: &writer)
            }
            try await writer.finish(nil)
        }
    }

    private static let piece: ByteCount = .kibibytes(64)
}
