import Everyline
import EverylineAWS
import NIOCore
import NIOHTTP1
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Hands requests over to the tests that hold them against AWS's own models and signer (`Tests/AWS`): written as JSON
/// to the file that `EVERYLINE_AWS_REQUESTS` names.
@Suite("Every request")
struct RequestRecordTests {
    private static let now = Timestamp(milliseconds: 1_440_938_160_000)
    private let credentials = AWSCredentials(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: "T/+=")

    private struct Source: CredentialSource {
        let given: AWSCredentials
        func credentials() async throws -> AWSCredentials? { given }
    }

    private struct Record: Encodable {
        let kind: String
        let method: String
        let url: String
        let headers: [[String]]
        let body: Data
        let service: String
        let region: String
    }

    @Test("is signed, and of a random one too is recorded how")
    func record() async throws {
        let http = RecordingHTTP()
        let client = AWSClient(
            .init(region: "eu-central-1"), http: http, credentials: CredentialCache(Source(given: credentials)),
            clock: ContinuousClock(), now: { Self.now })
        try await EveryOperation(client: client).run()
        let operations = http.requests
        #expect(operations.allSatisfy { $0.headers.contains(name: "Authorization") })
        guard let path = ProcessInfo.processInfo.environment["EVERYLINE_AWS_REQUESTS"] else { return }
        let signer = SigV4Signer(credentials, region: "us-east-1", service: "service")
        let random = (0..<300).map { signer.sign(Self.randomRequest(seed: $0), at: Self.now) }
        let records =
            operations.map { request in
                let service = Self.service(request)
                return record(
                    request, "operation", service: service, region: service == "iam" ? "us-east-1" : "eu-central-1")
            }
            + random.map { record($0, "random", service: "service", region: "us-east-1") }
        try JSONEncoder().encode(records).write(to: URL(fileURLWithPath: path))
    }

    private func record(_ request: AWSHTTPRequest, _ kind: String, service: String, region: String) -> Record {
        Record(
            kind: kind, method: request.method.rawValue, url: request.url,
            headers: request.headers.map { [$0.name, $0.value] }, body: Data(request.body.readableBytesView),
            service: service, region: region)
    }

    /// As the host says it.
    private static func service(_ request: AWSHTTPRequest) -> String {
        let parts = request.endpoint.host.split(separator: ".")
        return String(parts.first == "api" ? parts[1] : parts[0])
    }

    /// A request of which every part may hold what is difficult to encode.
    private static func randomRequest(seed: Int) -> AWSHTTPRequest {
        var generator = SeededGenerator(seed: UInt64(seed))
        let difficult = Array("abz09-._~ +%=&/?#@:;,!'()*\"<>[]{}|\\^`äሴ😀")
        func text(_ length: ClosedRange<Int>) -> String {
            let count = Int.random(in: length, using: &generator)
            return String((0..<count).map { _ in difficult[Int.random(in: 0..<difficult.count, using: &generator)] })
        }
        let segments = (0..<Int.random(in: 0...4, using: &generator)).map { _ in PercentEncoding.encode(text(1...6)) }
        let query = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            AWSHTTPRequest.QueryItem(text(1...4), text(0...6))
        }
        var headers: HTTPHeaders = [:]
        for index in 0..<Int.random(in: 0...3, using: &generator) {
            headers.add(name: "X-Random-\(index)", value: text(0...8).filter(\.isASCII) + "  x")
        }
        return AWSHTTPRequest(
            [HTTPMethod.GET, .POST, .PUT, .DELETE][seed % 4], AWSEndpoint(host: "example.com", port: 8443),
            path: "/" + segments.joined(separator: "/"), query: query, headers: headers,
            body: ByteBuffer(string: text(0...40)))
    }
}
