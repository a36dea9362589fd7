import AsyncHTTPClient
package import Everyline
package import EverylineClient
import EverylineWebSocket
import NIOCore
import NIOPosix
import NIOSSL

/// Tries a server's promise on the server itself: writes numbered lines, follows them from many viewers whose
/// connections are cut, held up and crumbled, and counts what is missing, doubled, out of order or not what was
/// written.
///
///     LineWriter ─► server ─► FaultyProxy ─► RecordingConnection ─► ResumingTail ─► Viewer     (each viewer its own)
///                                                    └───────── DeliveryStats ◄──────────────┘
package struct Canary: Sendable {
    private let settings: CanarySettings
    private let configuration: EverylineClient.Configuration
    private let progress: Progress
    private let clock: RunClock
    private let stats: [DeliveryStats]
    private let group = MultiThreadedEventLoopGroup.singleton

    /// - Precondition: ``CanarySettings/fault`` is `nil`.
    package init(_ settings: CanarySettings, configuration: EverylineClient.Configuration, now: Timestamp) {
        precondition(settings.fault == nil, "settings that can't be: \(settings)")
        self.settings = settings
        self.configuration = configuration
        progress = Progress(firstStalled: settings.viewers - settings.stalled)
        clock = RunClock(startTime: UInt64(now.milliseconds) * 1000)
        stats = (0..<settings.viewers).map { _ in DeliveryStats(seed: settings.seed, lineBytes: settings.lineBytes) }
    }

    /// Writes no more lines; the run then ends as soon as the viewers have what there is.
    package func stop() { progress.stop() }

    /// For people: how far it has come.
    package var progressText: String {
        let slowest = stats.prefix(settings.viewers - settings.stalled).map(\.last).min() ?? 0
        return "\(progress.written) of \(settings.lines) lines written, the slowest viewer has \(slowest)"
    }

    /// Runs to the end.
    ///
    /// - Parameter begun: is told the execution's id.
    /// - Throws: ``APIError``, ``ClientError`` if the lines can't be written; `CancellationError`.
    package func run(begun: (ExecutionID) -> Void) async throws -> CanaryReport {
        try await EverylineClient.with(configuration, eventLoopGroup: group) { client in
            let registered = try await client.register(RegisterRequest(command: ["everyline", "canary"]))
            guard let id = ExecutionID(registered.executionID), let token = Credential(registered.appendToken) else {
                throw ClientError.unexpectedAnswer("registering gave no usable id")
            }
            begun(id)
            let writer = LineWriter(
                client: client, execution: id, token: token, settings: settings, clock: clock, progress: progress)
            let http = try await eventStreamClient(client, id)
            do {
                try await follow(id, client, http, writer)
            } catch {
                try? await http.shutdown()
                throw error
            }
            try await http.shutdown()
            return CanaryReport(
                of: id.rawValue, settings: settings, stats: stats.map(\.counts), written: progress.written,
                seconds: Double(clock.elapsed) / 1_000_000, stopped: progress.isStopping)
        }
    }

    /// Viewers that stall are let go on when all others are done.
    private func follow(
        _ id: ExecutionID, _ client: EverylineClient, _ http: HTTPClient, _ writer: LineWriter
    ) async throws {
        let viewers = try await viewers(of: id, client, http)
        let active = viewers.prefix(settings.viewers - settings.stalled)
        let stalled = viewers.dropFirst(active.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (viewer, _) in stalled { group.addTask { try await viewer.watch() } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (viewer, _) in active { group.addTask { try await viewer.watch() } }
                group.addTask {
                    try await waitForViewers()
                    try await writer.write()
                }
                try await group.waitForAll()
            }
            progress.releaseStalled()
            for (viewer, _) in stalled { viewer.endpoint.proxy.release() }
            try await group.waitForAll()
        }
        for (_, listener) in viewers { try await listener.close() }
    }

    /// Waits until each viewer has a connection or has given up, so that the first lines are live for all; but not for
    /// ever.
    private func waitForViewers() async throws {
        let end = ContinuousClock.now + settings.patience
        while ContinuousClock.now < end, !progress.isStopping {
            let isReady = stats.allSatisfy { stats in
                let counts = stats.counts
                return counts.connections > 0 || counts.failure != nil
            }
            if isReady { return }
            try await ContinuousClock().sleep(for: .milliseconds(10))
        }
    }

    private func viewers(
        of id: ExecutionID, _ client: EverylineClient, _ http: HTTPClient
    ) async throws -> [(Viewer, any Channel)] {
        let plans = FaultPlan.plans(settings)
        var viewers: [(Viewer, any Channel)] = []
        for number in 0..<settings.viewers {
            let proxy = FaultyProxy(group: group.next())
            let listener = try await proxy.listen()
            guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
            let stalls = progress.isStalled(number)
            let endpoint = ViewerEndpoint(
                client: client, execution: id, form: ViewerForm(ofViewer: number), options: options(stalls: stalls),
                proxy: proxy, proxyPort: port, http: http, stats: stats[number])
            let viewer = Viewer(
                endpoint: endpoint, plan: plans[number], stalls: stalls, progress: progress, settings: settings,
                number: number, clock: clock)
            viewers.append((viewer, listener))
        }
        return viewers
    }

    /// A cut is over at once; and a viewer that doesn't read on purpose must not take its silence for a dead
    /// connection.
    private func options(stalls: Bool) -> ResumptionOptions {
        var options = ResumptionOptions()
        options.policy = RetryPolicy(first: .milliseconds(20), longest: .seconds(1))
        if stalls { options.silenceLimit = .seconds(24 * 3600) }
        return options
    }

    /// A client for which the host of the server-sent events is this machine, where the proxies are. Names and
    /// certificates stay what they are.
    private func eventStreamClient(_ client: EverylineClient, _ id: ExecutionID) async throws -> HTTPClient {
        var trust = TLSConfiguration.makeClientConfiguration()
        if let caFile = configuration.caFile { trust.additionalTrustRoots = [.file(caFile)] }
        let silence = TimeAmount(options(stalls: false).silenceLimit)
        var http = HTTPClient.Configuration(
            tlsConfiguration: trust,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: silence))
        http.httpVersion = .http1Only
        http.connectionPool.retryConnectionEstablishment = false
        if case .running(let location) = try await client.log(of: id), let url = location.streamURL,
            let place = try? WebSocketURL(url)
        {
            http.dnsOverride = [place.host: "127.0.0.1"]
        }
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: http)
    }
}
