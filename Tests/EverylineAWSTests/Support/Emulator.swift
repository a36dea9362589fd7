import AsyncHTTPClient
import Everyline
import EverylineAWS
import NIOPosix

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The emulator that `scripts/with-ministack` has started, and a table of one's own in it.
enum Emulator {
    static let endpoint = ProcessInfo.processInfo.environment["EVERYLINE_AWS_ENDPOINT"].flatMap { AWSEndpoint($0) }

    static let now = Timestamp(milliseconds: 1_790_000_000_000)

    static let http = AsyncHTTP(AsyncHTTP.makeClient(on: .singleton))

    static func client(_ http: any AWSHTTP = http) -> AWSClient {
        AWSClient(
            .init(region: "us-east-1", endpoint: endpoint, timeout: .seconds(30)), http: http,
            credentials: CredentialCache(FixedCredentials()), clock: ContinuousClock(), now: { now })
    }

    /// Makes a table as the template does.
    static func makeTable(_ http: any AWSHTTP = http) async throws -> DynamoDBTable {
        struct Input: Encodable {
            var TableName: String
            var KeySchema = [
                ["AttributeName": "pk", "KeyType": "HASH"], ["AttributeName": "sk", "KeyType": "RANGE"],
            ]
            var AttributeDefinitions = [
                ["AttributeName": "pk", "AttributeType": "S"], ["AttributeName": "sk", "AttributeType": "S"],
            ]
            var BillingMode = "PAY_PER_REQUEST"
        }
        let name = "test-\(UInt64.random(in: 0 ... .max))"
        try await client().call("CreateTable", of: .dynamoDB, Input(TableName: name))
        return DynamoDBTable(name, client: client(http))
    }
}
