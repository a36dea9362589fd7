import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

@Suite("A stream of CloudWatch Logs")
struct CloudWatchLogSourceTests {
    private func source(_ http: ScriptedHTTP) -> CloudWatchLogSource {
        let client = AWSClient(
            .init(region: "us-east-1"), http: http, credentials: CredentialCache(FixedCredentials()),
            clock: InstantClock(), now: { .epoch })
        return CloudWatchLogSource(CloudWatchLogs(client), group: "g", stream: "s")
    }

    private static let start = Timestamp(milliseconds: 1_790_000_000_000)

    @Test("is read page by page, also past an empty one")
    func pages() async throws {
        let http = ScriptedHTTP([
            .answer(200, "{\"events\":[],\"nextToken\":\"1\"}"),
            .answer(
                200,
                "{\"events\":[{\"eventId\":\"a\",\"timestamp\":5,\"message\":\"\\u001e3 x\"}],\"searchedLogStreams\":[]}"
            ),
        ])
        let first = try await source(http).read(Sample.id("e"), from: Self.start, at: nil)
        #expect(first == SourcePage(events: [], next: SourcePosition(token: "1")))
        let second = try await source(http).read(Sample.id("e"), from: Self.start, at: first.next)
        #expect(
            second
                == SourcePage(
                    events: [SourceEvent(3, .line, "x", at: Timestamp(milliseconds: 5))], next: nil))
        #expect(String(buffer: http.requests[1].body).contains("\"nextToken\":\"1\""))
        for request in http.requests {
            #expect(String(buffer: request.body).contains("\"startTime\":\(Self.start.milliseconds)"))
        }
    }

    @Test("that isn't there holds nothing")
    func missing() async throws {
        let http = ScriptedHTTP([.answer(400, "{\"__type\":\"ResourceNotFoundException\"}")])
        let page = try await source(http).read(Sample.id("e"), from: Self.start, at: nil)
        #expect(page == SourcePage(events: [], next: nil))
    }

    @Test("says that it knows a position no more, and takes no other refusal for that")
    func expired() async throws {
        let answer = ScriptedHTTP.Answer.answer(400, "{\"__type\":\"InvalidParameterException\"}")
        let position = SourcePosition(token: "t")
        await #expect(throws: LogSourceError.unknownPosition) {
            try await source(ScriptedHTTP([answer])).read(Sample.id("e"), from: Self.start, at: position)
        }
        await #expect(throws: AWSError.self) {
            try await source(ScriptedHTTP([answer])).read(Sample.id("e"), from: Self.start, at: nil)
        }
    }

    @Test("that can't be read is an error")
    func unreadable() async {
        let http = ScriptedHTTP([.answer(400, "{\"__type\":\"AccessDeniedException\"}")])
        await #expect(throws: AWSError.self) { try await source(http).read(Sample.id("e"), from: Self.start, at: nil) }
    }

    @Test("gives every event that was put, with an id of its own", .enabled(if: Emulator.endpoint != nil))
    func emulator() async throws {
        struct Stream: Encodable {
            var logGroupName: String
            var logStreamName: String?
        }
        struct Put: Encodable {
            struct Event: Encodable {
                let timestamp: Int64
                let message: String
            }
            let logGroupName: String
            let logStreamName = "s"
            let logEvents: [Event]
        }
        let client = Emulator.client()
        let group = "/test/\(UInt64.random(in: 0 ... .max))"
        try await client.call("CreateLogGroup", of: .logs, Stream(logGroupName: group))
        try await client.call("CreateLogStream", of: .logs, Stream(logGroupName: group, logStreamName: "s"))
        let events = (0..<25).map { Put.Event(timestamp: Emulator.now.milliseconds + Int64($0), message: "ü \($0)") }
        try await client.call("PutLogEvents", of: .logs, Put(logGroupName: group, logEvents: events))
        let logs = CloudWatchLogs(client)
        let source = CloudWatchLogSource(logs, group: group, stream: "s")
        let first = Timestamp(milliseconds: events[0].timestamp)
        let page = try await source.read(Sample.id("e"), from: first, at: nil)
        #expect(page.events.map(\.message) == events.map(\.message))
        let later = Timestamp(milliseconds: events[5].timestamp)
        #expect(try await source.read(Sample.id("e"), from: later, at: nil).events.count == 20)
        #expect(try await logs.groups(beginningWith: group).map(\.logGroupName) == [group])
    }
}
