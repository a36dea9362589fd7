import ArgumentParser
import Everyline
import EverylineClient
import EverylineUserFiles

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a command reaches the server.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The server's address. (default: EVERYLINE_URL, then url in config.yaml, then http://127.0.0.1:7070)")
    var url: String?
    @Option(help: "A file with the API key. (default: EVERYLINE_API_KEY, then api_key in config.yaml)")
    var apiKeyFile: String?
    @Option(help: "A PEM file of certificates to trust beside the system's.")
    var caFile: String?

    func configuration() throws -> EverylineClient.Configuration {
        let environment = ProcessInfo.processInfo.environment
        let settings = try ClientConfiguration(
            flags: .init(url: url, apiKeyFile: apiKeyFile, caFile: caFile), environment: environment,
            file: try UserFile.read(environment)?.client, readKeyFile: PrivateFile.read)
        for warning in settings.warnings { Console.say("warning: \(warning)") }
        return .init(address: settings.address, credential: settings.credential, caFile: settings.caFile)
    }

    /// - Throws: what `body` throws; where there is no server, a ``CLIError`` that names it.
    func withClient<Value>(_ body: (EverylineClient) async throws -> Value) async throws -> Value {
        let configuration = try configuration()
        do {
            return try await EverylineClient.with(configuration, body)
        } catch {
            throw Self.absence(of: configuration.address, error) ?? error
        }
    }

    /// What to tell the user of a server that gives no answer; `nil` for another error.
    static func absence(of address: ServerAddress, _ error: any Error) -> CLIError? {
        func hint(_ reason: String) -> String {
            reason.contains("connection refused") ? ". Is the server running (everyline serve)?" : "."
        }
        switch error {
        case ClientError.unreachable(let reason):
            return CLIError("the server at \(address) can't be reached: \(reason)\(hint(reason))")
        case TailError.unreachable(let reason):
            return CLIError("the log can't be followed at \(address): \(reason)\(hint(reason))")
        case ClientError.timedOut: return CLIError("the server at \(address) did not answer in time.")
        default: return nil
        }
    }
}

/// How often a command tries before it gives up, where it can't go on without the answer.
extension RetryPolicy {
    static let fewTimes = RetryPolicy(first: .milliseconds(100), longest: .seconds(2), attempts: 5)
}
