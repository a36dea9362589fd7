import AsyncHTTPClient
import Everyline
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import EverylineAWS

@Suite("The HTTP transport")
struct AsyncHTTPTests {
    private func send(
        _ request: (AWSEndpoint) -> AWSHTTPRequest = { AWSHTTPRequest(.POST, $0, body: ByteBuffer(string: "x")) },
        to behaviour: LoopbackHTTP.Behaviour, timeout: Duration = .seconds(60),
        answerLimit: ByteCount = AsyncHTTP.answerLimit
    ) async throws -> AWSHTTPResponse {
        let server = try await LoopbackHTTP(behaviour)
        let client = AsyncHTTP.makeClient(on: .singleton)
        let result: Result<AWSHTTPResponse, any Error>
        do {
            result = .success(
                try await AsyncHTTP(client, answerLimit: answerLimit)
                    .send(request(server.endpoint), timeout: timeout))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try await server.close()
        return try result.get()
    }

    @Test("gives the answer, whatever its status", arguments: [200, 400, 503])
    func answer(_ status: Int) async throws {
        let answer = try await send(to: .answer(.init(statusCode: status), body: ByteBuffer(string: "{}")))
        #expect(answer.status == status)
        #expect(answer.headers.first(name: "x-amzn-requestid") == "R1")
        #expect(String(buffer: answer.body) == "{}")
    }

    @Test("gives up what doesn't answer in time")
    func silence() async {
        await #expect(throws: AWSTransportError.timedOut) {
            try await send(to: .silence, timeout: .milliseconds(50))
        }
    }

    @Test("says that no server is there, or not any more")
    func unreachable() async throws {
        await #expect {
            _ = try await send(to: .hangUp)
        } throws: {
            if case .unreachable = $0 as? AWSTransportError { true } else { false }
        }
        let client = AsyncHTTP.makeClient(on: .singleton)
        let gone = try await LoopbackHTTP(.silence)
        try await gone.close()
        await #expect {
            _ = try await AsyncHTTP(client).send(AWSHTTPRequest(.GET, gone.endpoint), timeout: .seconds(20))
        } throws: {
            if case .unreachable = $0 as? AWSTransportError { true } else { false }
        }
        try await client.shutdown()
    }

    @Test("takes no answer that is larger than its limit")
    func tooLarge() async throws {
        let limit: ByteCount = .kibibytes(64)
        let answer = try await send(
            to: .answer(.ok, body: ByteBuffer(repeating: 0x20, count: limit)), answerLimit: limit)
        #expect(answer.body.readableBytes == limit)
        await #expect(throws: AWSTransportError.answerTooLarge(limit: limit)) {
            try await send(to: .answer(.ok, body: ByteBuffer(repeating: 0x20, count: limit + 1)), answerLimit: limit)
        }
    }
}
