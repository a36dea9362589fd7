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

/// `everyline-aws doctor`: what is wrong with a deployment, as far as it can be seen from outside.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a deployment: that everything is there as the template makes it, and keeps its promises.",
        discussion: """
            It reads, and writes one item of its own into the table, which it takes away again. With --repair it also has \
            the executions ended whose tasks have stopped unheard. Credentials come from the \
            environment, the profile (AWS_PROFILE), the container or the instance, in this order.

            Exit codes: 0 if everything is as it must be, 1 if something is wrong or could not be looked at.
            """)

    @Option(help: "The stack's name.")
    var stack = "everyline"

    @Option(help: "The region. (default: AWS_REGION, or AWS_DEFAULT_REGION)")
    var region: String?

    @Flag(help: "Have the executions ended whose tasks have stopped unheard.")
    var repair = false

    @Option(help: ArgumentHelp("An address in the place of AWS's own.", visibility: .hidden))
    var endpointURL: String?

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let region = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] else {
            throw ValidationError("Which region? Use --region or AWS_REGION.")
        }
        let endpoint = try endpointURL.map { url in
            guard let endpoint = AWSEndpoint(url) else { throw ValidationError("\(url) is no address.") }
            return endpoint
        }
        let http = AsyncHTTP.makeClient(on: .singleton)
        let result = await examine(AsyncHTTP(http), environment, region, endpoint)
        try await http.shutdown()
        let findings = try result.get()
        for finding in findings { print(finding) }
        if findings.contains(where: { $0.verdict != .good }) { throw ExitCode(1) }
    }

    private func examine(
        _ http: AsyncHTTP, _ environment: [String: String], _ region: String, _ endpoint: AWSEndpoint?
    ) async -> Result<[DoctorFinding], any Error> {
        let credentials = CredentialChain([
            EnvironmentCredentials(environment),
            ProfileCredentials(environment, readFile: Self.textIfThere(of:)),
            ContainerCredentials(environment, http: http, readFile: Self.text(of:)),
            InstanceCredentials(environment, http: http),
        ])
        let now: @Sendable () -> Timestamp = {
            Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        }
        let client = AWSClient(
            .init(region: region, endpoint: endpoint), http: http, credentials: CredentialCache(credentials),
            clock: ContinuousClock(), now: now)
        let doctor = AWSDoctor(
            stack, client: client, repairs: repair, probe: String(UInt64.random(in: 0 ... .max), radix: 16),
            now: now)
        do {
            return .success(try await doctor.findings())
        } catch {
            return .failure(error)
        }
    }

    private static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    private static func textIfThere(of path: String) throws -> String? {
        FileManager.default.fileExists(atPath: path) ? try text(of: path) : nil
    }
}
