import Everyline
import EverylineWebSocket
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
package import ServiceLifecycle

/// The server: one function that shows how everything in this folder hangs together.
///
///     request ─► gate ─► router ─► AccessLog ─► Problems ─► a route ─► Authenticator ─► stores, LogWriter
///                  └ WebSocket ─► ViewerAdmission ─► ViewerStream ─► Tail ─► LogFeed, LogStore
package struct EverylineServer: Sendable {
    /// What the world may know once a listener stands.
    package enum Listening: Sendable {
        /// The port clients connect to.
        case port(host: String, port: Int, isTLS: Bool)
        /// The socket that this machine's runners connect to.
        case socket(path: String)
    }

    private let core: ServerCore
    private let configuration: ServerConfiguration
    private let logger: Logger
    private let metrics = ServerMetrics()
    private let authenticator: Authenticator
    private let producers: ProducerPresence
    private let admission: ViewerAdmission
    private let storage: StorageWatch?

    package init(
        core: ServerCore, configuration: ServerConfiguration, storage: StorageWatch? = nil, logger: Logger
    ) {
        self.core = core
        self.configuration = configuration
        self.logger = logger
        self.storage = storage
        authenticator = Authenticator(executions: core.executions, access: core.access, now: core.now)
        producers = ProducerPresence(now: core.now())
        admission = ViewerAdmission(
            core: core, origins: configuration.origins,
            limits: .init(perKey: configuration.limits.viewersPerKey, total: configuration.limits.viewers))
    }

    /// The services that make up the server, in the order of their start; they stop in the opposite order: first the
    /// listeners, which tell the viewers 1001, and last the writer, when no producer is left that could append.
    ///
    /// - Parameter housekeeping: what is to be done every minute.
    /// - Parameter onListening: is called once for each listener that stands.
    /// - Throws: what is wrong with the certificate's files.
    package func services(
        runnerSocket: String?, housekeeping: @escaping @Sendable () async throws -> Void,
        onListening: @escaping @Sendable (Listening) async -> Void
    ) throws -> [any Service] {
        var services: [any Service] = [
            WriterService(writer: core.writer),
            TickService(
                feeds: [core.feed, core.stopRequests, core.resources.inputs.changes],
                interval: configuration.limits.heartbeat),
            self.housekeeping(housekeeping),
        ]
        services += endings
        let (stands, hasStood) = AsyncStream.makeStream(of: Void.self)
        if let runnerSocket {
            let socket = PrivateSocket(path: runnerSocket)
            try socket.prepare()
            let listener = try listener(.unixDomainSocket(path: socket.bindPath), tls: nil, needsHost: false) {
                [logger] channel in
                do {
                    try socket.publish()
                    await onListening(.socket(path: runnerSocket))
                } catch {
                    logger.critical("Runners can't reach the server", metadata: ["error": "\(error)"])
                    channel.close(promise: nil)
                }
            }
            // Behind the other, which may find its port taken: the library complains of a listener that is called off.
            services.append(LaterService(service: listener, start: stands))
        }
        let (host, isTLS) = (configuration.host, configuration.tls != nil)
        let tls = try configuration.tls.map { try $0.load() }
        services.append(
            try listener(.hostname(host, port: configuration.port), tls: tls) { channel in
                let port = channel.localAddress?.port ?? 0
                hasStood.yield()
                await onListening(.port(host: host, port: port, isTLS: isTLS))
            })
        return services
    }

    /// Ends executions by time alone: a stop that its producer doesn't heed, and a silence that is too long.
    private var endings: [any Service] {
        let limits = configuration.limits
        let abandoned = AbandonedExecutionReaper(core: core, producers: producers, limits: limits)
        func every(
            _ time: Duration, _ what: String, _ turn: @escaping @Sendable () async throws -> Void
        ) -> PeriodicService {
            let logger = logger
            return PeriodicService(
                every: max(.seconds(1), time),
                onError: { logger.error("\(what)", metadata: ["error": "\($0)"]) }, turn)
        }
        let unclaimed = core.restored.map { UnclaimedLogs($0, abandoned) }
        return [
            every(
                min(limits.stopPatience.absence, limits.stopPatience.overdue) / 4,
                "A stop, or a log of before a restore, could not be concluded"
            ) {
                try await unclaimed?.end()
                try await abandoned.endStopped()
            },
            every(
                min(.seconds(60), (limits.lostProducer ?? .seconds(60)) / 4), "A lost producer's log could not be ended"
            ) {
                try await abandoned.endLost()
            },
        ]
    }

    private func housekeeping(_ turn: @escaping @Sendable () async throws -> Void) -> PeriodicService {
        let logger = logger
        return PeriodicService(
            every: .seconds(60),
            onError: { logger.error("Housekeeping failed", metadata: ["error": "\($0)"]) }, turn)
    }

    private func listener(
        _ address: BindAddress, tls: TLSConfiguration?, needsHost: Bool = true,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) throws -> any Service {
        let streams = streamChannelParts
        return Application(
            router: api.router(admission: admission),
            server: HTTPServerBuilder { responder in
                let channel = StreamChannel(
                    responder: responder, parts: streams, isBehindTLS: tls != nil, needsHost: needsHost)
                guard let tls else { return channel }
                return try TLSChannel(channel, tlsConfiguration: tls)
            },
            configuration: ApplicationConfiguration(
                address: address, serverName: Self.product, backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.limits.connections)),
            onServerRunning: onListening,
            logger: libraryLogger)
    }

    /// What the HTTP library says of each listener is for debugging: a server that can't start says why, and nothing
    /// else.
    private var libraryLogger: Logger {
        var library = logger
        if library.logLevel == .info { library.logLevel = .notice }
        return library
    }

    private var publicURLs: PublicURLs {
        PublicURLs(publicURL: configuration.publicURL, isTLS: configuration.tls != nil)
    }

    private var api: APIRouter {
        APIRouter(
            core: core, authenticator: authenticator, producers: producers, publicURLs: publicURLs, metrics: metrics,
            limits: configuration.limits, storage: storage)
    }

    private var streamChannelParts: StreamChannel.Parts {
        StreamChannel.Parts(
            core: core, admission: admission, appends: api.appends(showsPending: true), metrics: metrics,
            limits: configuration.limits)
    }

    /// What each answer names as its server.
    static let product = "everyline/\(ReleaseVersion.current)"
}

extension ServerConfiguration.TLSFiles {
    fileprivate func load() throws -> TLSConfiguration {
        let chain = try Self.using(certificate) { try NIOSSLCertificate.fromPEMFile($0) }
        let key = try Self.using(privateKey) { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        return tls
    }

    private static func using<Value>(_ path: String, _ load: (String) throws -> Value) throws -> Value {
        do {
            return try load(path)
        } catch {
            throw UnusableFile(path: path, reason: "\(error)")
        }
    }
}

/// A file that the server was told to use, and can't.
package struct UnusableFile: Error, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "\(path) can't be used: \(reason)" }
}
