import EverylineDeflate
import NIOCore
import Testing

@testable import EverylineAWS

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("A subscription's event")
struct LogsSubscriptionEventTests {
    private let example = """
        {"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/everyline/commands","logStream":"run/command/t",\
        "subscriptionFilters":["f"],"logEvents":[{"id":"37199773595581154154810589279545129148442535997644275712",\
        "timestamp":1668095539607,"message":"ü \\n"},{"id":"2","timestamp":1668095539608,"message":""}]}
        """

    private func event(_ text: String) -> ByteBuffer {
        let data = Data(ByteBuffer(string: text).deflated(as: .gzip).readableBytesView)
        return ByteBuffer(string: "{\"awslogs\":{\"data\":\"\(data.base64EncodedString())\"}}")
    }

    @Test("gives the events with their ids")
    func decoded() throws {
        let event = try LogsSubscriptionEvent(event(example))
        #expect(event.kind == .data)
        #expect(event.group == "/everyline/commands")
        #expect(event.stream == "run/command/t")
        #expect(
            event.events == [
                .init(
                    id: "37199773595581154154810589279545129148442535997644275712", timestamp: 1_668_095_539_607,
                    message: "ü \n"),
                .init(id: "2", timestamp: 1_668_095_539_608, message: ""),
            ])
    }

    @Test("that only tests the subscription says so")
    func control() throws {
        let text = example.replacing("DATA_MESSAGE", with: "CONTROL_MESSAGE")
        #expect(try LogsSubscriptionEvent(event(text)).kind == .control)
    }

    @Test("is never decompressed beyond its limit")
    func bomb() throws {
        let bomb = event(String(repeating: " ", count: 10_000_000))
        #expect(bomb.readableBytes < 20_000)
        #expect(throws: LambdaEventError.tooLarge(limit: 1_000_000)) {
            try LogsSubscriptionEvent(bomb, limit: 1_000_000)
        }
        #expect(throws: LambdaEventError.self) { try LogsSubscriptionEvent(bomb) }
        let text = event(example)
        #expect(throws: Never.self) { try LogsSubscriptionEvent(text, limit: example.utf8.count) }
        #expect(throws: LambdaEventError.tooLarge(limit: example.utf8.count - 1)) {
            try LogsSubscriptionEvent(text, limit: example.utf8.count - 1)
        }
    }

    @Test(
        "that is something else is an error",
        arguments: [
            "", "{}", "[]", "{\"awslogs\":{\"data\":1}}", "{\"awslogs\":{\"data\":\"%%\"}}",
            "{\"awslogs\":{\"data\":\"\"}}", "{\"awslogs\":{\"data\":\"aGVsbG8=\"}}",
        ])
    func malformed(_ text: String) {
        #expect(throws: LambdaEventError.self) { try LogsSubscriptionEvent(ByteBuffer(string: text)) }
    }

    @Test("whose gzip was cut off, or is followed by something, is an error")
    func truncated() throws {
        let whole = ByteBuffer(string: example).deflated(as: .gzip)
        for length in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: 0, length: length))
            #expect(throws: DeflateError.malformed) { try part.inflated(as: .gzip, limit: 10_000) }
        }
        var longer = whole
        longer.writeInteger(UInt8(0))
        #expect(throws: DeflateError.malformed) { try longer.inflated(as: .gzip, limit: 10_000) }
    }
}
