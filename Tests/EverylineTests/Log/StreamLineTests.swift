import Everyline
import NIOCore
import Testing

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
}
