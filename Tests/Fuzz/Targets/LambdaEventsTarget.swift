@testable import EverylineAWS
import Everyline
import NIOCore

extension FuzzTarget {
    /// What Lambda hands to the functions: an event is read or refused as malformed, whichever it was meant to be.
    static let lambdaEvents = FuzzTarget(name: "lambda-events") { input in
        if let event = try decode(HTTPAPIEvent.self, input) { _ = try? event.bytes() }
        if let event = try decode(WebSocketEvent.self, input) {
            _ = event.header("Sec-WebSocket-Protocol")
            if let body = event.body { _ = ViewerMessage(ByteBuffer(string: body)) }
        }
        if let event = try decode(SQSEvent.self, input) {
            for record in event.records { try checkMessage(record.body) }
        }
        if let event = try decode(ECSTaskStateChangeEvent.self, input) { _ = event.detail }
        try checkMessage(input.text)
    }

    private static func decode<Event: Decodable>(_ type: Event.Type, _ input: FuzzInput) throws -> Event? {
        do {
            return try LambdaEvent.decode(type, from: input.bytes)
        } catch is LambdaEventError {
            return nil
        }
    }

    static func checkMessage(_ body: String) throws {
        let message: LogsMessage
        do {
            message = try LogsMessage(body: body)
        } catch is LambdaEventError {
            return
        }
        guard let again = message.body else { return }
        let read = try LogsMessage(body: again)
        expect(read == message, "a message that is written and read is itself")
    }
}
