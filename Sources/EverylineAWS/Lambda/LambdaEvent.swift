package import Everyline
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads and writes what Lambda passes to and from functions.
package enum LambdaEvent {
    /// - Throws: ``LambdaEventError``.
    package static func decode<Event: Decodable>(_ type: Event.Type, from bytes: ByteBuffer) throws -> Event {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch let error as DecodingError {
            throw LambdaEventError.malformed(Self.path(error))
        }
    }

    package static func encode(_ answer: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(answer))
    }

    /// Where the event is wrong, without quoting it.
    private static func path(_ error: DecodingError) -> String {
        let path: [any CodingKey]
        switch error {
        case .keyNotFound(let key, let context): path = context.codingPath + [key]
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            path = context.codingPath
        @unknown default: path = []
        }
        return path.isEmpty ? "not the JSON of this event" : path.map(\.stringValue).joined(separator: ".")
    }
}

/// Why an event can't be read. It would fail again; the same event need not come back.
package enum LambdaEventError: Error, Equatable {
    /// What is wrong or where, without the event's text.
    case malformed(String)
    case tooLarge(limit: ByteCount)
}

/// What EventBridge gives a function when a task of ECS changes its state.
package struct ECSTaskStateChangeEvent: Sendable, Decodable {
    package let id: String
    package let source: String
    package let detailType: String
    package let region: String
    /// In the form of RFC 3339.
    package let time: String
    package let detail: ECSTask

    enum CodingKeys: String, CodingKey {
        case id, source, region, time, detail
        case detailType = "detail-type"
    }
}
