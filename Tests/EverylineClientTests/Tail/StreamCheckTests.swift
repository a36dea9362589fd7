import Everyline
import EverylineClient
import NIOCore
import Testing

@Suite("A stream's check") struct StreamCheckTests {
    @Test("lets exactly what follows through, and gives the bytes as they came")
    func following() {
        var check = StreamCheck(from: .after(Offset(4)))
        let message = ByteBuffer(lines: Lines.lines(5...7))
        let finding = check.take(message)
        #expect(finding.block == ReceivedBlock(first: Offset(5), last: Offset(7), outcome: nil, bytes: message))
        #expect(finding.fault == nil)
        #expect(check.last == Offset(7))
    }

    @Test("names a hole, and keeps what stands before it")
    func hole() {
        var check = StreamCheck(from: .beginning)
        let finding = check.take(ByteBuffer(lines: [Lines.line(1), Lines.line(2), Lines.line(4), Lines.line(5)]))
        #expect(finding.fault == .hole(wanted: Offset(3), got: Offset(4)))
        #expect(finding.block?.bytes.text == Lines.lines(1...2).joined(separator: "\n"))
        #expect(check.last == Offset(2))
    }

    @Test(
        "drops what it has already, wherever it stands, and counts it",
        arguments: [[1, 2, 3, 4], [3, 3, 4], [3, 2, 4], [3, 4, 4, 1]] as [[UInt64]])
    func repeats(offsets: [UInt64]) {
        var check = StreamCheck(from: .after(Offset(2)))
        let finding = check.take(ByteBuffer(lines: offsets.map { Lines.line($0) }))
        #expect(finding.block?.bytes.text == Lines.lines(3...4).joined(separator: "\n"))
        #expect(finding.block?.first == Offset(3))
        #expect(finding.fault == nil)
        #expect(check.repeated == offsets.count - 2)
    }

    @Test("knows the end only from the end event that follows the last line")
    func end() {
        var check = StreamCheck(from: .beginning)
        let early = check.take(ByteBuffer(lines: [Lines.line(1), Lines.end(3)]))
        #expect(early.fault == .hole(wanted: Offset(2), got: Offset(3)))
        #expect(check.outcome == nil)
        let finding = check.take(ByteBuffer(lines: [Lines.line(2), Lines.end(3)]))
        #expect(finding.block?.outcome == .failed3)
        #expect(check.outcome == .failed3)
    }

    @Test(
        "knows the end wherever its type stands, and however it is written",
        arguments: [
            #""message":"x","type":"end","status":"FAILED","exit_code":3"#,
            #""stream":"stdout","type":"end","status":"FAILED","exit_code":3"#,
            #""stream":"stdout","message":"x","type":"end","status":"FAILED","exit_code":3"#,
            #""message":"\"x\\","partial":true,"type":"end","status":"FAILED","exit_code":3"#,
            #""message":"x","\u0074ype":"end","status":"FAILED","exit_code":3"#,
            #""status":"FAILED","exit_code":3,"type":"end""#,
        ])
    func lateType(fields: String) {
        var check = StreamCheck(from: .beginning)
        let end = #"{"offset":2,"timestamp":1,\#(fields)}"#
        let finding = check.take(ByteBuffer(lines: [Lines.line(1), end, Lines.line(3)]))
        #expect(finding.block?.last == Offset(2))
        #expect(finding.block?.outcome?.status == .failed)
        #expect(finding.fault == .afterEnd)
    }

    @Test("refuses whatever follows the end")
    func afterEnd() {
        var check = StreamCheck(from: .beginning)
        #expect(check.take(ByteBuffer(lines: [Lines.end(1), Lines.line(2)])).fault == .afterEnd)
    }

    @Test("doesn't take an end event from a message's text")
    func disguise() {
        var check = StreamCheck(from: .beginning)
        let text = #"{\"offset\":2,\"timestamp\":1,\"type\":\"end\",\"status\":\"FAILED\"}"#
        let finding = check.take(ByteBuffer(lines: [Lines.line(1, text)]))
        #expect(finding.block?.outcome == nil)
        #expect(check.last == Offset(1))
        #expect(check.outcome == nil)
    }

    @Test("from a time begins with whatever comes first, and then wants the next")
    func fromTime() {
        var check = StreamCheck(from: .notOlderThan(.epoch))
        #expect(check.take(ByteBuffer(lines: Lines.lines(41...42))).block?.first == Offset(41))
        #expect(check.take(ByteBuffer(lines: [Lines.line(44)])).fault == .hole(wanted: Offset(43), got: Offset(44)))
    }

    @Test("reads lines in any order of fields, with fields that it doesn't know")
    func otherForms() {
        var check = StreamCheck(from: .beginning)
        let lines = [
            #"{"timestamp":1,"message":"a","offset":1}"#,
            #"{ "offset" : 2, "timestamp" : 1, "message" : "b", "new" : [1, {"x": null}] }"#,
            #"{"offset":3,"timestamp":1,"stream":"stderr","message":"c"}"#,
            #"{"offset":4,"timestamp":1,"type":"notice","code":"log_full","message":"d"}"#,
        ]
        let finding = check.take(ByteBuffer(lines: lines))
        #expect(finding.block?.bytes.text == lines.joined(separator: "\n"))
        #expect(finding.fault == nil)
    }

    @Test("takes control lines for what they are")
    func control() {
        var check = StreamCheck(from: .after(Offset(9)))
        #expect(check.take(ByteBuffer(string: Lines.heartbeat(9))) == .init(head: Offset(9)))
        let notice = #"{"type":"notice","code":"slow","message":"You are slow."}"#
        #expect(check.take(ByteBuffer(string: notice)) == .init(notice: "You are slow. (slow)"))
        #expect(check.take(ByteBuffer()) == .init())
    }

    @Test(
        "names a line that is no event",
        arguments: [
            "hello", "{}", #"{"offset":1}"#, #"{"offset":1,"timestamp":2,"message":"cut"#,
            #"{"offset":0,"timestamp":2,"message":""}"#, #"{"offset":99999999999999999999,"timestamp":2,"message":""}"#,
            #"{"offset":-1,"timestamp":2,"message":""}"#,
            #"{"offset":1,"timestamp":2,"type":"end","status":"RUNNING"}"#,
        ])
    func malformed(line: String) {
        var check = StreamCheck(from: .beginning)
        let finding = check.take(ByteBuffer(string: line))
        #expect(finding.fault == .malformed)
        #expect(finding.block == nil)
        #expect(check.last == .zero)
    }

    @Test(
        "whatever is lost, repeated or swapped on the way, what is let through is dense",
        arguments: 0..<200 as Range<UInt64>)
    func anyDelivery(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var check = StreamCheck(from: .beginning)
        var got: [UInt64] = []
        for _ in 0..<20 {
            let offsets = (0..<8).map { _ in UInt64.random(in: 1...UInt64(got.count + 4), using: &generator) }
            let finding = check.take(ByteBuffer(lines: offsets.map { Lines.line($0) }))
            if let block = finding.block {
                got += (try? block.events().map(\.offset.rawValue)) ?? []
            }
        }
        #expect(got == Array(1...UInt64(max(got.count, 1))).prefix(got.count).map { $0 })
    }
}
