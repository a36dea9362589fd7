import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineAWS

@Suite("A transaction")
struct TransactionTests {
    private let key = DynamoDBTable.Key("p", "s")

    private func transact(_ http: ScriptedHTTP) async throws -> DynamoDBTable.Transacted {
        let client = AWSClient(
            .init(region: "us-east-1"), http: http, credentials: CredentialCache(FixedCredentials()),
            clock: InstantClock(), now: { .epoch })
        return try await DynamoDBTable("t", client: client).transact(
            [.put(key.attributes, if: .isAbsent), .delete(.init("p", "s2"), if: nil)], token: "x")
    }

    private func cancelled(_ codes: [String], item: String = "") -> ScriptedHTTP.Answer {
        let reasons = codes.map { "{\"Code\":\"\($0)\"\($0 == "ConditionalCheckFailed" ? item : "")}" }
        return .answer(
            400,
            """
            {"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled",\
            "CancellationReasons":[\(reasons.joined(separator: ","))]}
            """)
    }

    @Test("that runs into another one is tried again, under the same token")
    func conflict() async throws {
        let http = ScriptedHTTP([
            cancelled(["TransactionConflict", "None"]), cancelled(["None", "ThrottlingError"]), .answer(200),
        ])
        #expect(try await transact(http) == .done)
        #expect(http.requests.count == 3)
        #expect(Set(http.requests.map { String(buffer: $0.body) }).count == 1)
    }

    @Test("whose condition doesn't hold says which one, and what is there")
    func refused() async throws {
        let item = ",\"Item\":{\"pk\":{\"S\":\"p\"},\"n\":{\"N\":\"7\"}}"
        let http = ScriptedHTTP([cancelled(["ConditionalCheckFailed", "None"], item: item)])
        #expect(try await transact(http) == .refused([.fails(["pk": .string("p"), "n": .number(7)]), .holds]))
        let absent = ScriptedHTTP([cancelled(["None", "ConditionalCheckFailed"])])
        #expect(try await transact(absent) == .refused([.holds, .fails(nil)]))
    }

    @Test("that is refused for anything else is an error at once")
    func invalid() async throws {
        let http = ScriptedHTTP([cancelled(["ValidationError", "None"])])
        let error = await #expect(throws: AWSError.self) { try await transact(http) }
        #expect(error?.code == .transactionCanceled)
        #expect(http.requests.count == 1)
    }

    @Test("that runs into another one for ever is given up")
    func endless() async throws {
        let http = ScriptedHTTP(Array(repeating: cancelled(["TransactionConflict", "None"]), count: 99))
        await #expect(throws: AWSError.self) { try await transact(http) }
        #expect(http.requests.count == AWSRetryPolicy().attempts)
    }
}
