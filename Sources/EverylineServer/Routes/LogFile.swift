import Everyline
import EverylineDeflate
import HTTPTypes
import Hummingbird
import NIOCore

/// A part of a log, or an ended one as a whole, as a body that is streamed while it is read, as fast as its client
/// takes it: whatever its size, one piece is in memory.
struct LogFile: Sendable {
    enum Form: String, Sendable {
        case ndjson = "application/x-ndjson"
        case text = "text/plain; charset=utf-8"
    }

    let range: LogRange
    let form: Form
    /// Whether events without a control character from U+0010 to U+001F are left out.
    var onlyEscapes = false
    /// How long the whole is, if that is known without reading it.
    let knownLength: Int?
    let resources: ServerResources
    let context: EverylineContext

    /// Strong: the bytes of events that were recorded never change.
    var etag: String {
        let form = onlyEscapes ? "e" : form == .ndjson ? "n" : "t"
        return "\"\(range.execution)-\(range.after)-\(range.through)-\(form)\""
    }

    /// Answers with all of it, a part (RFC 9110, section 14), or that the client has it already.
    func response(to request: Request) async throws -> Response {
        var headers: HTTPFields = [
            .contentType: form.rawValue, .cacheControl: "private, no-cache", .acceptRanges: "bytes", .eTag: etag,
            .lastOffset: range.through.description, .vary: "Accept, Accept-Encoding",
        ]
        if let seen = request.headers[.ifNoneMatch], EntityTags(seen).contains(etag) {
            return Response(status: .notModified, headers: headers)
        }
        let allowsRange = request.headers[.ifRange].map { $0 == etag } ?? true
        if allowsRange, let wanted = request.headers[.range].flatMap(ByteRange.init) {
            return try await partial(wanted, headers)
        }
        // Where many compress already, the rest isn't compressed.
        if AcceptEncoding(request.headers[.acceptEncoding]).allowsGzip,
            let memory = resources.compressing.leaseAtOnce(Deflater.memory + range.limit)
        {
            headers[.contentEncoding] = "gzip"
            headers[.eTag] = "\(etag.dropLast())-gzip\""
            return Response(status: .ok, headers: headers, body: gzipBody(within: memory))
        }
        return Response(status: .ok, headers: headers, body: body(of: nil, length: knownLength))
    }

    private func partial(_ wanted: ByteRange, _ headers: HTTPFields) async throws -> Response {
        var headers = headers
        let length = try await measure()
        guard let bytes = wanted.resolve(length: length) else {
            throw ProblemError(
                .rangeNotSatisfiable, "The log has \(length) bytes in this form.",
                fields: [.contentRange: "bytes */\(length)"])
        }
        headers[.contentRange] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(length)"
        return Response(
            status: .partialContent, headers: headers, body: body(of: bytes, length: bytes.count))
    }

    private func measure() async throws -> Int {
        if let knownLength { return knownLength }
        var length = 0
        try await forEachPiece { piece in
            length += piece.readableBytes
            return true
        }
        return length
    }

    private func body(of bytes: Range<Int>?, length: Int?) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            var position = 0
            try await forEachPiece { piece in
                let start = position
                position += piece.readableBytes
                guard let bytes else {
                    try await paced.write(piece, to: &writer)
                    return true
                }
                let part = bytes.clamped(to: start..<position)
                if !part.isEmpty,
                    let slice = piece.getSlice(at: piece.readerIndex + part.lowerBound - start, length: part.count)
                {
                    try await paced.write(slice, held: piece.readableBytes, to: &writer)
                }
                return position < bytes.upperBound
            }
            try await writer.finish(nil)
        }
    }

    private func gzipBody(within memory: ByteBudget.Lease) -> ResponseBody {
        ResponseBody { writer in
            defer { withExtendedLifetime(memory) {} }
            // Level 5 is a third faster than 6.
            let gzip = try Deflater(.gzip, level: 5)
            try await forEachPiece { piece in
                let compressed = try await resources.workers.run { gzip.compress(piece) }
                try await paced.write(compressed, to: &writer)
                return true
            }
            let rest = try await resources.workers.run { gzip.compress(ByteBuffer(), flush: .finish) }
            try await paced.write(rest, to: &writer)
            try await writer.finish(nil)
        }
    }

    private var paced: PacedBody { PacedBody(context: context, unread: resources.unread) }

    private func forEachPiece(_ body: (ByteBuffer) async throws -> Bool) async throws {
        try await range.forEachBlock { block in
            switch form {
            case .ndjson where onlyEscapes:
                let lines = try await resources.workers.run { block.lines(containing: #"\u001"#) }
                return lines.readableBytes == 0 ? true : try await body(lines)
            case .ndjson:
                return try await body(block.bytes)
            case .text:
                let text = try await resources.workers.run {
                    var text = ByteBufferAllocator().buffer(capacity: block.bytes.readableBytes)
                    try block.writeText(into: &text)
                    return text
                }
                return text.readableBytes == 0 ? true : try await body(text)
            }
        }
    }
}
