import Everyline
import NIOCore
import Testing

@Suite("An append's body")
struct AppendBodyTests {
    private func body(_ text: String, after head: UInt64 = 0, lineLimit: Int = 1024) throws -> AppendBody {
        try AppendBody(ndjson: ByteBuffer(string: text), after: Offset(head), lineLimit: lineLimit)
    }

    private func events(_ body: AppendBody) throws -> [LogEvent] {
        try body.block.map { try LogEvent.decode(lines: $0.bytes) } ?? []
    }

    @Test("follows the head with dense offsets")
    func offsets() throws {
        let body = try body(
            """
            {"timestamp":5,"message":"a"}

              {"message":"b","timestamp":6,"stream":"stdout"}
            {"type":"end","timestamp":7,"status":"FAILED","exit_code":3}
            """, after: 7)
        #expect(try events(body).map(\.offset) == [Offset(8), Offset(9), Offset(10)])
        #expect(body.outcome == ExecutionOutcome(status: .failed, exitCode: 3))
        #expect(body.hasLines)
        #expect(body.block?.endsLog == true)
    }

    @Test("may be empty", arguments: ["", "\n", " \n\t\n"])
    func empty(text: String) throws {
        #expect(try body(text).block == nil)
    }

    @Test("keeps a message's escapes as they were sent, and replaces half a surrogate pair")
    func escapes() throws {
        let message = #"\u0041\n\/\ud83d\ude00\u00e9\ud83d!\ude00"#
        let line = try #require(try events(body(#"{"timestamp":1,"message":"\#(message)"}"#)).first)
        #expect(line.content == .line(LogLine(message: "A\n/😀é\u{FFFD}!\u{FFFD}")))
    }

    @Test("cuts a message that is too long into partial events")
    func long() throws {
        let text = String(repeating: "é", count: 10) + "x"
        let found = try events(body(#"{"timestamp":1,"message":"\#(text)"}"#, lineLimit: 8))
        let lines = found.compactMap { event -> LogLine? in
            if case .line(let line) = event.content { line } else { nil }
        }
        #expect(lines.map(\.message).joined() == text)
        #expect(lines.map(\.isPartial) == [true, true, false])
        #expect(lines.allSatisfy { $0.message.utf8.count <= 8 })
    }

    @Test(
        "is refused with the line that is wrong",
        arguments: [
            ("{", 1), ("[]", 1), ("{}", 1), (#"{"timestamp":1}"#, 1), (#"{"message":"a"}"#, 1),
            (#"{"timestamp":-1,"message":"a"}"#, 1), (#"{"timestamp":1.5,"message":"a"}"#, 1),
            (#"{"timestamp":1e3,"message":"a"}"#, 1), (#"{"timestamp":01,"message":"a"}"#, 1),
            (#"{"timestamp":9223372036854775808,"message":"a"}"#, 1), (#"{"timestamp":"1","message":"a"}"#, 1),
            (#"{"timestamp":1,"message":null}"#, 1), (#"{"timestamp":1,"message":"a","x":1}"#, 1),
            (#"{"timestamp":1,"message":"a","message":"b"}"#, 1), (#"{"timestamp":1,"message":"a"} {}"#, 1),
            (#"{"timestamp":1,"message":"\q"}"#, 1), (#"{"timestamp":1,"message":"\u12"}"#, 1),
            ("{\"timestamp\":1,\"message\":\"tab\there\"}", 1), (#"{"timestamp":1,"message":"a","stream":"stdin"}"#, 1),
            (#"{"offset":1,"timestamp":1,"message":"a"}"#, 1), (#"{"type":"heartbeat","timestamp":1}"#, 1),
            ("{\"timestamp\":1,\"message\":\"a\"}\n\n{\"timestamp\":1}", 3),
            ("{\"type\":\"end\",\"timestamp\":1,\"status\":\"RUNNING\"}", 1),
            ("{\"type\":\"end\",\"timestamp\":1,\"status\":\"FAILED\"}\n{\"timestamp\":1,\"message\":\"a\"}", 2),
        ])
    func refused(text: String, line: Int) {
        #expect(performing: { try body(text) }, throws: { ($0 as? AppendSyntaxError)?.line == line })
    }

    @Test(
        "is refused with a field that its event is stored without",
        arguments: [
            ("offset", #"{"timestamp":1,"message":"a","offset":1}"#),
            ("head", #"{"timestamp":1,"message":"a","head":1}"#),
            ("status", #"{"timestamp":1,"message":"a","status":"FAILED"}"#),
            ("code", #"{"timestamp":1,"message":"a","code":"c"}"#),
            ("stream", #"{"type":"notice","timestamp":1,"code":"c","message":"m","stream":"stdout"}"#),
            ("message", #"{"type":"end","timestamp":1,"status":"FAILED","message":"why it failed"}"#),
            ("partial", #"{"type":"end","timestamp":1,"status":"FAILED","partial":false}"#),
            ("verified", #"{"type":"end","timestamp":1,"status":"FAILED","verified":true}"#),
        ])
    func foreignField(name: String, text: String) {
        #expect(
            performing: { try body(text) }, throws: { ($0 as? AppendSyntaxError)?.cause == .event(.unknownField(name)) }
        )
    }

    @Test(
        "knows a field by its whole name, however that is escaped",
        arguments: [
            (#"mess\u0061ge"#, nil), (#"message\u0000"#, "message\0"), ("messag", "messag"), ("message_", "message_"),
            ("", ""),
            ("peak_memory_bytes_and_more", "peak_memory_bytes_and_more"), ("größe", "größe"),
        ] as [(String, String?)])
    func names(_ name: String, unknown: String?) throws {
        let text = #"{"timestamp":1,"\#(name)":"m"}"#
        guard let unknown else {
            #expect(try events(body(text)).first?.content == .line(LogLine(message: "m")))
            return
        }
        #expect(
            performing: { try body(text) },
            throws: { ($0 as? AppendSyntaxError)?.cause == .event(.unknownField(unknown)) })
    }

    @Test("keeps what the command took, as its end says it, in the event that is stored")
    func usage() throws {
        let fields =
            #""timestamp":1,"type":"end","status":"FAILED","exit_code":3,"cpu_ms":1234,"peak_memory_bytes":5678"#
        let read = try body("{\(fields)}")
        #expect(read.outcome?.usage == ResourceUsage(cpuMilliseconds: 1234, peakMemory: 5678))
        let bytes = try #require(read.block).bytes
        #expect(String(buffer: bytes) == "{\"offset\":1,\(fields)}\n")
        #expect(try LogEvent.decode(lines: bytes).last?.content == read.outcome.map { .end($0) })
    }

    @Test(
        "is refused with a time or a memory that no command takes",
        arguments: [#""cpu_ms":-1"#, #""peak_memory_bytes":-1"#, #""cpu_ms":1.5"#, #""cpu_ms":"1""#])
    func impossibleUsage(field: String) {
        #expect(throws: AppendSyntaxError.self) {
            try body(#"{"type":"end","timestamp":1,"status":"FAILED",\#(field)}"#)
        }
    }

    @Test("is refused with a name or a notice that is too long, since neither can be cut", arguments: [0, 1])
    func tooLong(excess: Int) throws {
        let label =
            String(repeating: "\\u00e9", count: AppendBody.labelLimit / 2) + String(repeating: "x", count: excess)
        let notice = String(repeating: "x", count: AppendBody.noticeLimit + excess)
        for (name, text) in [
            ("event_id", #"{"timestamp":1,"message":"a","event_id":"\#(label)"}"#),
            ("code", #"{"type":"notice","timestamp":1,"code":"\#(label)","message":"m"}"#),
            ("message", #"{"type":"notice","timestamp":1,"code":"c","message":"\#(notice)"}"#),
        ] {
            if excess == 0 {
                #expect(try body(text).block?.count == 1)
            } else {
                #expect(
                    performing: { try body(text) },
                    throws: { ($0 as? AppendSyntaxError)?.cause == .event(.invalidValue(field: name)) })
            }
        }
    }

    @Test("is refused if it isn't UTF-8")
    func notUTF8() {
        let bytes = Array(#"{"timestamp":1,"message":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect(throws: AppendSyntaxError.self) { try AppendBody(ndjson: ByteBuffer(bytes: bytes), after: .zero) }
    }

    @Test("of plain text may not become more events than a log should take at once")
    func tooManyLines() throws {
        let newlines = ByteBuffer(repeating: UInt8(ascii: "\n"), count: 1 << 20)
        #expect(throws: TooManyLines()) {
            try AppendBody(text: newlines, after: .zero, at: Timestamp(milliseconds: 9))
        }
        let few = ByteBuffer(repeating: UInt8(ascii: "\n"), count: 1 << 16)
        #expect(try AppendBody(text: few, after: .zero, at: Timestamp(milliseconds: 9)).block?.count == 1 << 16)
    }

    @Test("of plain text becomes a line for each line")
    func text() throws {
        let body = try AppendBody(
            text: ByteBuffer(bytes: Array("a\r\n\nb".utf8) + [0xFF]), after: .zero, at: Timestamp(milliseconds: 9))
        #expect(
            try events(body).map(\.content)
                == ["a\r", "", "b\u{FFFD}"].map { .line(LogLine(message: $0)) })
    }
}
