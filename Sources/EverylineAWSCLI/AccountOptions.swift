import ArgumentParser
import AsyncHTTPClient
import Everyline
import EverylineAWS
import NIOPosix

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which stack of which account and region a command is about.
struct AccountOptions: ParsableArguments {
    static let credentials = """
        Credentials come from the environment, the profile (AWS_PROFILE), the container or the instance, in this order.
        """

    @Option(help: "The stack's name.")
    var stack = "everyline"

    @Option(help: "The region. (default: AWS_REGION, or AWS_DEFAULT_REGION)")
    var region: String?

    @Option(help: ArgumentHelp("An address in the place of AWS's own.", visibility: .hidden))
    var endpointURL: String?

    func validate() throws {
        let isName = stack.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
        guard isName, (1...128).contains(stack.utf8.count) else {
            throw ValidationError("'\(stack)' is no stack's name: letters, digits and '-'.")
        }
    }

    /// Lends a client for as long as `body` takes.
    func withClient<Value: Sendable>(_ body: (AWSClient) async throws -> Value) async throws -> Value {
        let environment = ProcessInfo.processInfo.environment
        guard let region = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] else {
            throw ValidationError("Which region? Use --region or AWS_REGION.")
        }
        let endpoint = try endpointURL.map { url in
            guard let endpoint = AWSEndpoint(url) else { throw ValidationError("\(url) is no address.") }
            return endpoint
        }
        let client = AsyncHTTP.makeClient(on: .singleton)
        let http = AsyncHTTP(client)
        let credentials = CredentialChain([
            EnvironmentCredentials(environment),
            ProfileCredentials(environment, readFile: Self.textIfThere(of:)),
            ContainerCredentials(environment, http: http, readFile: Self.text(of:)),
            InstanceCredentials(environment, http: http),
        ])
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    AWSClient(
                        .init(region: region, endpoint: endpoint), http: http,
                        credentials: CredentialCache(credentials),
                        clock: ContinuousClock(), now: { .now })))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        return try result.get()
    }

    private static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    private static func textIfThere(of path: String) throws -> String? {
        FileManager.default.fileExists(atPath: path) ? try text(of: path) : nil
    }
}

extension Timestamp {
    /// The wall clock, in whole milliseconds.
    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
