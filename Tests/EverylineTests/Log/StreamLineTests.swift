import NIOCore
import Testing

@testable import Everyline

@Suite("A stream's line")
struct StreamLineTests {
    @Test("says a log's head only as a heartbeat: an event keeps its offset, whatever else it says")
    func head() throws {
        let event = try #require(
            try LogEvent.decode(lines: ByteBuffer(string: #"{"offset":41,"timestamp":1,"message":"m","head":57}"#))
                .first)
        #expect(event.offset == Offset(41))
        let heartbeat = try StreamLine.decode(message: ByteBuffer(string: #"{"type":"heartbeat","head":57}"#))
        #expect(heartbeat == [.heartbeat(head: Offset(57))])
        #expect(throws: LogEventDecodingError.malformed) {
            try StreamLine.decode(message: ByteBuffer(string: #"{"type":"heartbeat","offset":57}"#))
        }
    }

    @Test("says as a pending line what there is of a line, as the server wrote it")
    func pending() throws {
        let line = PendingLine(after: Offset(41), message: "10%\r\u{1B}[31m\"ü", stream: .stderr)
        #expect(try StreamLine.decode(message: line.controlLine) == [.pending(line)])
        for broken in [
            #"{"type":"pending","after":-1,"message":""}"#, #"{"type":"pending","after":1}"#,
            #"{"type":"pending","message":"a"}"#,
        ] {
            #expect(throws: LogEventDecodingError.malformed) {
                try StreamLine.decode(message: ByteBuffer(string: broken))
            }
        }
        // It is no event, whatever else it says.
        #expect(throws: LogEventDecodingError.malformed) {
            try LogEvent.decode(
                lines: ByteBuffer(string: #"{"offset":1,"timestamp":1,"type":"pending","after":1,"message":""}"#))
        }
    }
}
