import AsyncHTTPClient
import Everyline
import EverylineAWS
import EverylineServer
import Logging
import NIOCore
import NIOPosix

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// All functions of the AWS form in one binary; its environment says which one it is.
@main struct EverylineLambda {
    static func main() async throws {
        let configuration = try LambdaConfiguration(ProcessInfo.processInfo.environment)
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        let logger = Logger(label: "everyline.\(configuration.function)") {
            JSONLogHandler(label: $0, level: level, now: { .now })
        }
        // One thread: a function has a fraction of a core, and one event at a time.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let runtime = HTTPLambdaRuntimeAPI(http: AsyncHTTP(patientClient(on: group)), endpoint: configuration.runtime)
        let client = AWSClient(
            .init(region: configuration.region, endpoint: configuration.endpoint),
            http: AsyncHTTP(AsyncHTTP.makeClient(on: group)), credentials: CredentialCache(configuration.credentials),
            clock: ContinuousClock(), now: { .now })
        let root = CompositionRoot(configuration: configuration, client: client, logger: logger, now: { .now })
        do {
            try await run(root, runtime, logger)
        } catch {
            // Where the runtime API is gone, so is the environment. Without cleaning up: it all ends with the process.
            logger.notice("The function ends", metadata: ["error": "\(error)"])
            exit(EXIT_FAILURE)
        }
    }

    private static func run(_ root: CompositionRoot, _ runtime: any LambdaRuntimeAPI, _ logger: Logger) async throws {
        let function = try await LambdaLoop.start(api: runtime, logger: logger) { try root.function() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in function.background { tasks.addTask { await task() } }
            defer { tasks.cancelAll() }
            try await LambdaLoop(api: runtime, handler: function.handler, logger: logger).run()
        }
    }

    /// For the next event a runtime waits as long as it takes.
    private static func patientClient(on group: MultiThreadedEventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(3), read: nil))
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }
}

extension Timestamp {
    /// The wall clock, in whole milliseconds.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
