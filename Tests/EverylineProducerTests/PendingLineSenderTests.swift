import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineProducer
@testable import EverylineRunner

@Suite("A sender of pending lines", .timeLimit(.minutes(5))) struct PendingLineSenderTests {
    private let directory: TemporaryDirectory
    private let spool: Spool
    private let recorder: Recorder
    private let server = MemoryServer()
    private let sources: [LogLine.Stream?: Recorder.Source]
    private let sender: PendingLineSender

    init() throws {
        directory = try TemporaryDirectory()
        spool = try Spool(in: directory.path + "/spool")
        recorder = Recorder(spool: spool, lineLimit: 10_000, now: { Timestamp(milliseconds: 5) })
        sender = PendingLineSender(recorder, to: server.endpoint, clock: InstantClock())
        let recorder = recorder
        let streams: [LogLine.Stream?] = [nil, .stdout, .stderr]
        sources = Dictionary(uniqueKeysWithValues: streams.map { ($0, recorder.source(of: $0)) })
    }

    private func record(_ text: String, _ cutter: inout LineCutter, _ stream: LogLine.Stream? = nil) {
        recorder.record(ByteBuffer(string: text), from: source(of: stream), cutter: &cutter)
    }

    private func source(of stream: LogLine.Stream? = nil) -> Recorder.Source {
        guard let source = sources[stream] else { preconditionFailure("there are three") }
        return source
    }

    /// Runs the sender beside the test.
    private func sending(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let sender = sender
        try await withThrowingTaskGroup { group in
            group.addTask { try await sender.run() }
            try await body()
            group.cancelAll()
        }
    }

    private static func until(_ isSo: () -> Bool) async throws {
        while !isSo() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test("sends a line as it is once the server has all that stands before it")
    func behindTheEvents() async throws {
        let (recorder, spool, server, source) = (recorder, spool, server, source())
        try await sending {
            var cutter = LineCutter(limit: 10_000)
            recorder.record(ByteBuffer(string: "one\ntwo\n50%"), from: source, cutter: &cutter)
            spool.acknowledge(through: Offset(1))
            recorder.record(ByteBuffer(string: "\r60%"), from: source, cutter: &cutter)
            #expect(server.pending.isEmpty)
            spool.acknowledge(through: Offset(2))
            try await Self.until { !server.pending.isEmpty }
        }
        #expect(server.pending.map(\.line) == [PendingLine(after: Offset(2), message: "60%")])
    }

    @Test("knows the line of the stream that has written last, and none once its newline has come")
    func streams() {
        var (out, error) = (LineCutter(limit: 10_000), LineCutter(limit: 10_000))
        record("a", &out, .stdout)
        #expect(recorder.pendingLine == PendingLine(after: .zero, message: "a", stream: .stdout))
        record("b", &error, .stderr)
        #expect(recorder.pendingLine == PendingLine(after: .zero, message: "b", stream: .stderr))
        record("c\n", &error, .stderr)
        #expect(recorder.pendingLine == PendingLine(after: Offset(1), message: "a", stream: .stdout))
        recorder.finish(source(of: .stdout), cutter: &out)
        #expect(recorder.pendingLine == nil)
    }

    @Test("sends a line again behind an event of another source, also of the same stream, and behind a notice")
    func moved() async throws {
        let (recorder, spool, server) = (recorder, spool, server)
        let (prompt, other) = (recorder.source(of: nil), recorder.source(of: nil))
        try await sending {
            var (first, second) = (LineCutter(limit: 10_000), LineCutter(limit: 10_000))
            recorder.record(ByteBuffer(string: "Password: "), from: prompt, cutter: &first)
            try await Self.until { server.pending.count == 1 }
            recorder.record(ByteBuffer(string: "a line\n"), from: other, cutter: &second)
            spool.acknowledge(through: spool.last)
            try await Self.until { server.pending.count == 2 }
            recorder.note(.outputLost, "a notice")
            spool.acknowledge(through: spool.last)
            try await Self.until { server.pending.count == 3 }
        }
        #expect(server.pending.map(\.line.message) == Array(repeating: "Password: ", count: 3))
        #expect(server.pending.map(\.line.after) == [.zero, Offset(1), Offset(2)])
    }

    @Test("goes on with what follows the part of a line that was cut, and sends 8 KiB of its end at the most")
    func longLine() {
        var cutter = LineCutter(limit: 10_000)
        record(String(repeating: "x", count: 9_000) + "ü", &cutter)
        #expect(recorder.pendingLine?.message == String(repeating: "x", count: 8190) + "ü")
        record(String(repeating: "y", count: 1_100), &cutter)
        #expect(recorder.pendingLine == PendingLine(after: Offset(1), message: String(repeating: "y", count: 102)))
    }

    @Test("sends a line again only when the server may have forgotten it")
    func doubt() async throws {
        let (recorder, sender, server, source) = (recorder, sender, server, source())
        try await sending {
            var cutter = LineCutter(limit: 10_000)
            recorder.record(ByteBuffer(string: "? "), from: source, cutter: &cutter)
            try await Self.until { server.pending.count == 1 }
            sender.doubt()
            try await Self.until { server.pending.count == 2 }
        }
        #expect(server.pending.allSatisfy { $0.line == PendingLine(after: .zero, message: "? ") })
    }

    @Test("sends the line as it is by then after a failure")
    func failure() async throws {
        let (recorder, server, source) = (recorder, server, source())
        server.failPending(ClientError.timedOut, APIError(status: 503, code: "unavailable", detail: "later"))
        try await sending {
            var cutter = LineCutter(limit: 10_000)
            recorder.record(ByteBuffer(string: "? "), from: source, cutter: &cutter)
            try await Self.until { !server.pending.isEmpty }
        }
        #expect(server.pending.map(\.line.message) == ["? "])
    }

    @Test(
        "stops for good where the server knows no pending lines, or the log takes none",
        arguments: [
            APIError(status: 404, code: "not_found", detail: "no"),
            APIError(status: 405, code: "http_405", detail: "no"),
            APIError(status: 400, code: "not_supported", detail: "no"),
            APIError(status: 409, code: "execution_ended", detail: "no"),
        ])
    func refused(error: APIError) async throws {
        server.failPending(error)
        var cutter = LineCutter(limit: 10_000)
        record("? ", &cutter)
        try await sender.run()
        #expect(server.pending.isEmpty)
    }

    @Test("stops where the log doesn't go on with what is recorded")
    func lostPlace() async throws {
        var cutter = LineCutter(limit: 10_000)
        record("one\n? ", &cutter)
        spool.losePlace()
        try await sender.run()
        #expect(server.pending.isEmpty)
    }
}
