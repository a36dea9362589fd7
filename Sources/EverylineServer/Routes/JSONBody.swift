import Everyline
import HTTPTypes
import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads a JSON request strictly: of the right type, within the limit, without a field that the server would ignore.
struct JSONBody {
    let bytes: Data
    private let memory: ByteBudget.Lease

    init(
        _ request: Request, _ context: EverylineContext, _ resources: ServerResources, limit: ByteCount,
        within time: Duration
    ) async throws {
        if let type = request.headers[.contentType], !type.lowercased().hasPrefix("application/json") {
            throw ProblemError(.unsupportedMediaType, "Send application/json.")
        }
        let body = try await RequestBytes(request, context, resources, limit: limit, within: time)
        bytes = Data(body.bytes.readableBytesView)
        memory = body.memory
    }

    func decode<Value: Decodable>(_ type: Value.Type, fields: [String]) throws -> Value {
        do {
            let names = try JSONDecoder().decode(FieldNames.self, from: bytes).names
            if let unknown = names.first(where: { !fields.contains($0) }) {
                throw ProblemError(
                    .invalidRequest,
                    "Unknown field \"\(unknown.prefix(64))\". Known: \(fields.joined(separator: ", ")).")
            }
            return try JSONDecoder().decode(type, from: bytes)
        } catch let error as DecodingError {
            throw ProblemError(.invalidRequest, error.sentence)
        }
    }

    private struct FieldNames: Decodable {
        let names: [String]

        init(from decoder: any Decoder) throws {
            names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// A request's body as a whole, taken within a limit of bytes and of time. For as long as it is held, it counts among
/// the bodies that are in memory; where there are too many, it is no longer read until there is room.
struct RequestBytes {
    let bytes: ByteBuffer
    let memory: ByteBudget.Lease

    /// - Throws: ``ProblemError``, ``ByteBudget/Exhausted``.
    init(
        _ request: Request, _ context: EverylineContext, _ resources: ServerResources, limit: ByteCount,
        within time: Duration
    ) async throws {
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw ProblemError(.bodyTooLarge, "The body may have \(limit) bytes at the most.")
        }
        let memory = try await resources.bodies.lease()
        self.memory = memory
        bytes = try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            group.addTask { try await Self.read(request, limit: limit, into: memory) }
            group.addTask {
                try await context.sleep(for: time)
                return nil
            }
            defer { group.cancelAll() }
            guard let body = try await group.next() ?? nil else {
                throw ProblemError(.requestTimeout, "The body did not arrive within \(time.components.seconds) s.")
            }
            return body
        }
    }

    private static func read(
        _ request: Request, limit: ByteCount, into memory: ByteBudget.Lease
    ) async throws -> ByteBuffer {
        var whole: ByteBuffer?
        for try await part in request.body {
            guard (whole?.readableBytes ?? 0) + part.readableBytes <= limit else {
                throw ProblemError(.bodyTooLarge, "The body may have \(limit) bytes at the most.")
            }
            try await memory.grow(by: part.readableBytes)
            if whole == nil {
                whole = part
            } else {
                whole?.writeImmutableBuffer(part)
            }
        }
        return whole ?? ByteBuffer()
    }
}

extension DecodingError {
    /// What is wrong, in words that the sender of the request can use.
    var sentence: String {
        switch self {
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "The body is not valid JSON." : "\(path(context)) is not valid."
        case .keyNotFound(let key, _): "The field \"\(key.stringValue)\" is missing."
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(path(context)) has the wrong type."
        @unknown default: "The body is not what this path takes."
        }
    }

    private func path(_ context: Context) -> String {
        context.codingPath.isEmpty
            ? "The body" : "\"" + context.codingPath.map(\.stringValue).joined(separator: ".").prefix(128) + "\""
    }
}

extension Response {
    static let jsonHeaders: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]

    /// An answer in JSON, of a size that is bounded by what it shows.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: jsonHeaders,
            body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder.wire.encode(value))))
    }
}
