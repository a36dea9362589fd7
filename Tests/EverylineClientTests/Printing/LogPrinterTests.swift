import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A log's printer") struct LogPrinterTests {
    private func block(_ lines: [String]) throws -> ReceivedBlock {
        var check = StreamCheck(from: .beginning)
        return try #require(check.take(ByteBuffer(lines: lines)).block)
    }

    private func line(_ offset: Int, _ rest: String) -> String {
        "{\"offset\":\(offset),\"timestamp\":1763500000123,\(rest)}"
    }

    @Test("writes each message as it was, with its newline")
    func messages() throws {
        var printer = LogPrinter(.init())
        let lines = [
            line(1, #""message":"one""#), line(2, #""message":"""#),
            line(3, #""stream":"stdout","message":"tab\there""#),
            line(4, #""stream":"stderr","message":"\u001b[31mred\u001B[0m \"q\" \\ \/ \r\b\f""#),
            line(5, #""message":"ünï \u00fc 漢 🎉""#),
            line(6, #""message":"\ud83c\udf89 pair \ud83c half","event_id":"x""#),
            line(7, #""message":"line\nwithin""#),
        ]
        let expected =
            "one\n\ntab\there\n\u{1B}[31mred\u{1B}[0m \"q\" \\ / \r\u{8}\u{C}\nünï ü 漢 🎉\n"
            + "🎉 pair \u{FFFD} half\nline\nwithin\n"
        #expect(try printer.text(block(lines)).text == expected)
    }

    @Test("writes the same in the fast way as from decoded events", arguments: 0..<100 as Range<UInt64>)
    func sameAsDecoded(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "a", "plain text that is long", "\\n", "\\u0007", "\\\"", "\\\\", "é", "\\ud83c\\udf89", "{", "}",
            ",\\\"partial\\\":true", "\\u00e9",
        ]
        let lines = (1...20).map { offset in
            let message = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            let stream =
                ["", "\"stream\":\"stdout\",", "\"stream\":\"stderr\","].randomElement(using: &generator) ?? ""
            let tail = ["", ",\"partial\":true", ",\"event_id\":\"e\""].randomElement(using: &generator) ?? ""
            return line(offset, "\(stream)\"message\":\"\(message.joined())\"\(tail)")
        }
        try expectSameAsDecoded(block(lines))
    }

    @Test(
        "prints no event's id, whatever is in it and wherever it stands",
        arguments: [
            "39382745190283746510293847561029384756102938475610293847", "", "e", "é", "🎉", #"\""#, #"\\"#, #"\u0022"#,
            #"\n"#, #"\ud83c\udf89"#, #"\ud83c"#, #"\"}"#, #"\",\"partial\":true"#, #"12345678\/"#,
        ])
    func eventID(text: String) throws {
        let message = #""message":"a\tb\"""#
        let id = "\"event_id\":\"\(text)\""
        let stream = #""stream":"stderr""#
        let partial = #""partial":true"#
        let orders = [
            [message, id], [message, id, partial], [message, partial, id], [id, message], [id, message, partial],
            [stream, message, id], [stream, message, id, partial], [stream, message, partial, id],
            [stream, id, message], [message, stream, id], [message, id, stream, partial], [partial, message, id],
            [message, id, #""partial":false"#], [message, id, #""new":1"#], [message, id + " ", " " + partial],
        ]
        try expectSameAsDecoded(block(orders.enumerated().map { line($0 + 1, $1.joined(separator: ",")) }))
    }

    @Test("takes no id that isn't one", arguments: [#"\x"#, #"\u12"#, "\t", #"x"y"#])
    func wrongEventID(text: String) throws {
        let bytes = ByteBuffer(string: line(1, "\"message\":\"m\",\"event_id\":\"\(text)\""))
        var printer = LogPrinter(.init())
        #expect(throws: LogEventDecodingError.self) {
            try printer.text(ReceivedBlock(first: Offset(1), last: Offset(1), outcome: nil, bytes: bytes))
        }
    }

    private func expectSameAsDecoded(_ block: ReceivedBlock) throws {
        var expected = ""
        for event in try block.events() {
            guard case .line(let line) = event.content else { continue }
            expected += line.message + (line.isPartial ? "" : "\n")
        }
        var printer = LogPrinter(.init())
        #expect(try printer.text(block).text == expected)
    }

    @Test("joins a line that was cut, over blocks too, and gives it one time")
    func partial() throws {
        var printer = LogPrinter(.init(timestamps: true))
        var check = StreamCheck(from: .beginning)
        let first = check.take(ByteBuffer(string: line(1, #""message":"one ","partial":true"#))).block
        #expect(try printer.text(#require(first)).text == "2025-11-18T21:06:40.123Z one ")
        var interrupted = printer
        #expect(interrupted.finish().text == "\n")
        let second = check.take(ByteBuffer(lines: [line(2, #""message":"line""#), line(3, #""message":"next""#)])).block
        #expect(try printer.text(#require(second)).text == "line\n2025-11-18T21:06:40.123Z next\n")
        #expect(printer.finish().text.isEmpty)
    }

    @Test("ends a line that was cut and never went on")
    func cutAtTheEnd() throws {
        var printer = LogPrinter(.init())
        #expect(try printer.text(block([line(1, #""message":"one","partial":true"#), Lines.end(2)])).text == "one\n")
    }

    @Test("colours the error stream where colours are wanted", arguments: [true, false])
    func colours(timestamps: Bool) throws {
        var printer = LogPrinter(.init(timestamps: timestamps, colours: true))
        let text = try printer.text(
            block([line(1, #""stream":"stderr","message":"e""#), line(2, #""stream":"stdout","message":"o""#)])
        ).text
        let time = timestamps ? "2025-11-18T21:06:40.123Z " : ""
        #expect(text == "\(time)\u{1B}[31me\u{1B}[0m\n\(time)o\n")
    }

    @Test("keeps what the log itself says apart from the output")
    func notices() throws {
        var printer = LogPrinter(.init())
        let notice = line(1, #""type":"notice","code":"log_full","message":"Output goes on unrecorded.""#)
        #expect(try printer.text(block([notice, line(2, #""message":"x""#)])).text == "x\n")
        #expect(printer.takeNotices() == ["Output goes on unrecorded. (log_full)"])
        #expect(printer.takeNotices().isEmpty)
    }

    @Test("passes JSON through byte by byte")
    func json() throws {
        let lines = [line(1, #""message":"\u0061","new":1"#), Lines.end(2)]
        #expect(try LogPrinter(.init()).json(block(lines)).text == lines.joined(separator: "\n") + "\n")
    }

    @Test("gives a terminal the same JSON, with everything in it visible")
    func visibleJSON() throws {
        let lines = [line(1, "\"message\":\"\u{9B}2J\u{202E}é\""), line(2, #""message":"\u001b[2J""#)]
        let expected = [line(1, #""message":"\u009b2J\u202eé""#), line(2, #""message":"\u001b[2J""#)]
        let printer = LogPrinter(.init(isForTerminal: true))
        #expect(try printer.json(block(lines)).text == expected.joined(separator: "\n") + "\n")
    }

    @Test(
        "gives a terminal colours and progress, and nothing that steers it, however lines are cut",
        arguments: [true, false])
    func terminal(timestamps: Bool) throws {
        var printer = LogPrinter(.init(timestamps: timestamps, isForTerminal: true))
        let lines = [
            line(1, #""message":"\u001b[32mgreen\u001b]52;c;eA","partial":true"#),
            line(2, #""stream":"stdout","message":"==\u0007.""#), line(3, #""message":"10%\r20%\r""#),
            line(4, #""message":"\u001b[31","partial":true"#), line(5, #""message":"J!""#),
        ]
        let time = timestamps ? "2025-11-18T21:06:40.123Z " : ""
        #expect(
            try printer.text(block(lines)).text
                == "\(time)\u{1B}[32mgreen.\n\(time)10%\r\(time)20%\r\n\(time)!\n")
        #expect(printer.makeWay().bytes.text == "\u{1B}[0m")
        #expect(printer.finish().text.isEmpty)
    }

    @Test("gives files everything as it was written")
    func file() throws {
        var printer = LogPrinter(.init(timestamps: true))
        let message = #"\u001b]0;x\u0007\u001b[2J\u009b1m 10%\r20%"#
        let text = try printer.text(block([line(1, "\"message\":\"\(message)\"")])).text
        #expect(text == "2025-11-18T21:06:40.123Z \u{1B}]0;x\u{7}\u{1B}[2J\u{9B}1m 10%\r20%\n")
    }

    private func terminal(rows: Int = 24) -> LogPrinter {
        LogPrinter(.init(isForTerminal: true, pendingWindow: TerminalSize(columns: 10, rows: rows)))
    }

    private func pending(_ message: String, _ stream: LogLine.Stream? = nil) -> PendingLine {
        PendingLine(after: .zero, message: message, stream: stream)
    }

    @Test("shows a pending line where the cursor is, adds what is new of it, and then what its event has besides")
    func pendingLine() throws {
        var printer = terminal()
        #expect(printer.pending(pending("10%")).text == "10%")
        #expect(printer.pending(pending("10%\r20%")).text == "\r20%")
        #expect(printer.pending(pending("10%\r20%")).text == "")
        #expect(try printer.text(block([Lines.line(1, "10%\\r20%\\r30%")])).text == "\r30%\n")
        #expect(try printer.text(block([Lines.line(1, "next")])).text == "next\n")
        #expect(printer.finish().text == "")
    }

    @Test("takes back a pending line whose event is another, in all the rows that it has")
    func takenBack() throws {
        var printer = terminal()
        _ = printer.pending(pending("0123456789012345"))
        #expect(printer.pending(pending("other")).text == "\r\u{1B}[1A\u{1B}[Jother")
        #expect(try printer.text(block([Lines.line(1, "line")])).text == "\r\u{1B}[Jline\n")
        for wide in ["漢字漢字漢字", "🚀✅🟢⚡⭐🪐"] {
            _ = printer.pending(pending(wide))
            #expect(printer.pending(pending("")).text == "\r\u{1B}[1A\u{1B}[J")
        }
        // What terminals differ about is taken for narrow: fewer rows are cleared, and none that isn't the line's.
        for joined in [
            "👨\u{200D}👩\u{200D}👧\u{200D}👦 ab",
            "\u{1112}\u{1161}\u{11AB}\u{1112}\u{1161}\u{11AB}\u{1112}\u{1161}\u{11AB}",
        ] {
            _ = printer.pending(pending(joined))
            #expect(printer.pending(pending("")).text == "\r\u{1B}[J")
        }
        _ = printer.pending(pending("left behind"))
        printer.leavePending()
        #expect(printer.pending(pending("left behind?")).text == "left behind?")
        _ = printer.pending(pending(""))
        _ = printer.pending(pending("\u{1B}[31m?"))
        let (bytes, line) = printer.makeWay()
        #expect(bytes.text == "\u{1B}[0m\r\u{1B}[J")
        #expect(line == pending("\u{1B}[31m?"))
        _ = printer.pending(pending("? "))
        #expect(printer.finish().text == "\n")
    }

    @Test("shows only the end of a pending line that the window has no room for, in the colours of what is before it")
    func tooLong() throws {
        var printer = terminal(rows: 2)
        let tens = (0..<5).map { "\u{1B}[3\($0)m" + String(repeating: "\($0)", count: 10) }
        #expect(printer.pending(pending(tens[..<2].joined())).text == tens[..<2].joined())
        let back = "\r\u{1B}[1A\u{1B}[J"
        // A row has its colour where the cursor is then, which is behind the row before.
        #expect(
            printer.pending(pending(tens[..<3].joined())).text
                == "\u{1B}[0m\(back)\u{1B}[30m\u{1B}[31m1111111111\u{1B}[32m2222222222")
        #expect(
            printer.pending(pending(tens[1...].joined())).text
                == "\u{1B}[0m\(back)\u{1B}[31m\u{1B}[32m\u{1B}[33m3333333333\u{1B}[34m4444444444")
        // What was shown of it isn't its beginning.
        #expect(try printer.text(block([Lines.line(1, "4444")])).text == "\u{1B}[0m\(back)4444\n")
    }

    @Test("knows where a prompt's editing has moved the cursor")
    func edited() {
        var printer = terminal()
        #expect(printer.pending(pending("0123456\u{1B}[6D\u{1B}[2C")).text == "0123456\u{1B}[6D\u{1B}[2C")
        // Three more columns fit behind it, and seven don't.
        #expect(printer.pending(pending("0123456\u{1B}[6D\u{1B}[2Cabcdefg")).text == "abcdefg")
        #expect(printer.pending(pending("")).text == "\r\u{1B}[J")
    }

    @Test("goes on with a line that was cut only by what is its next part")
    func cutLine() throws {
        var printer = terminal()
        var check = StreamCheck(from: .after(.zero))
        let first = check.take(ByteBuffer(string: line(1, #""message":"abc","partial":true"#))).block
        #expect(try printer.text(#require(first)).text == "abc")
        #expect(printer.pending(pending(String(repeating: "x", count: PendingLine.limit))).text == "")
        #expect(printer.pending(pending("def")).text == "def")
        #expect(printer.pending(pending("other")).text == "")
        let rest = check.take(ByteBuffer(string: Lines.line(2, "defg"))).block
        #expect(try printer.text(#require(rest)).text == "g\n")
    }

    @Test("lets a pending line steer a terminal no more than a line")
    func harmlessPending() {
        var printer = terminal()
        #expect(printer.pending(pending("a\u{1B}]0;title")).text == "a")
        #expect(printer.pending(pending("a\u{1B}]0;title\u{7}b\u{1B}[2J")).text == "b")
    }

    @Test("prints nothing of a pending line into a file")
    func pendingIntoFile() throws {
        var printer = LogPrinter(.init())
        #expect(printer.pending(pending("10%")).text == "")
        #expect(try printer.text(block([Lines.line(1, "10%")])).text == "10%\n")
    }
}

@Suite("A time as text") struct TimestampTextTests {
    @Test(
        "is RFC 3339 in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_763_500_000_123, "2025-11-18T21:06:40.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func text(milliseconds: Int64, text: String) { #expect(Timestamp(milliseconds: milliseconds).text == text) }
}
