import ArgumentParser
import Everyline
import EverylineServer

/// The limits that `serve` can be told; their defaults are ``ServerConfiguration/Limits``.
struct LimitOptions: ParsableArguments {
    @Option(help: "A line of output; a longer one is cut into parts that are marked. (default: 256KiB)")
    var lineLimit: ByteSize?
    @Option(help: "A log; beyond it only notices and the end are recorded, and the log says so. (default: 4GiB)")
    var logLimit: ByteSize?
    @Option(help: "The body of an append. (default: 8MiB)")
    var appendLimit: ByteSize?
    @Option(help: "The bodies of all requests that are in memory. (default: 256MiB)")
    var bodyMemory: ByteSize?
    @Option(help: "What waits for viewers and downloads that don't read, in all. (default: 512MiB)")
    var viewerMemory: ByteSize?
    @Option(help: "A message to a viewer, cut between events. (default: 1MiB)")
    var frameLimit: ByteSize?
    @Option(help: "How long a viewer may not read before it is closed. (default: 60s)")
    var stallTimeout: TimeSpan?
    @Option(help: "The silence after which viewers get a sign of life. (default: 10s)")
    var heartbeat: TimeSpan?
    @Option(help: "How long a stream's URL can be used. (default: 24h)")
    var tokenLifetime: TimeSpan?
    @Option(help: "Connections in all. (default: 20000)")
    var maxConnections: Int?
    @Option(help: "Viewers under one API key. (default: 10000)")
    var maxViewersPerKey: Int?
    @Option(help: "Viewers in all. (default: 20000)")
    var maxViewers: Int?
    @Option(help: "From connecting to a whole request. (default: 10s)")
    var requestTimeout: TimeSpan?
    @Option(help: "The silence after which a connection without a request is closed. (default: 60s)")
    var idleTimeout: TimeSpan?
    @Option(help: "The silence after which a producer that is to stop is taken for gone. (default: 60s)")
    var absentProducer: TimeSpan?
    @Option(help: "How long a producer may go on after it was asked to stop; then its log is ended. (default: 1h)")
    var unheededStop: TimeSpan?
    @Option(help: "The silence after which a producer is taken for lost, and its log is ended. (default: 7d)")
    var lostProducer: TimeSpan?

    func limits(_ settings: ServeSettings) throws -> ServerConfiguration.Limits {
        var limits = ServerConfiguration.Limits()
        func set(_ limit: WritableKeyPath<ServerConfiguration.Limits, Int>, _ flag: ByteSize?, _ name: String) throws {
            if let value = try settings.value(flag, name) { limits[keyPath: limit] = value.bytes }
        }
        func duration(_ flag: TimeSpan?, _ name: String) throws -> Duration? {
            guard let value = try settings.value(flag, name) else { return nil }
            guard value.duration > .zero else { throw ValidationError("\(name) must be more than nothing.") }
            return value.duration
        }
        func set(
            _ limit: WritableKeyPath<ServerConfiguration.Limits, Duration>, _ flag: TimeSpan?, _ name: String
        ) throws {
            if let value = try duration(flag, name) { limits[keyPath: limit] = value }
        }
        func set(_ limit: WritableKeyPath<ServerConfiguration.Limits, Int>, _ flag: Int?, _ name: String) throws {
            guard let value = try settings.value(flag, name) else { return }
            guard value > 0 else { throw ValidationError("\(name) must be more than nothing.") }
            limits[keyPath: limit] = value
        }
        try set(\.line, lineLimit, "line-limit")
        try set(\.appendBody, appendLimit, "append-limit")
        try set(\.bodies, bodyMemory, "body-memory")
        try set(\.unread, viewerMemory, "viewer-memory")
        try set(\.frame, frameLimit, "frame-limit")
        try set(\.stalledViewer, stallTimeout, "stall-timeout")
        try set(\.heartbeat, heartbeat, "heartbeat")
        try set(\.streamToken, tokenLifetime, "token-lifetime")
        try set(\.connections, maxConnections, "max-connections")
        try set(\.viewersPerKey, maxViewersPerKey, "max-viewers-per-key")
        try set(\.viewers, maxViewers, "max-viewers")
        try set(\.firstRequest, requestTimeout, "request-timeout")
        try set(\.idleConnection, idleTimeout, "idle-timeout")
        try set(\.stopPatience.overdue, unheededStop, "unheeded-stop")
        if let silence = try duration(lostProducer, "lost-producer") { limits.lostProducer = silence }
        if let absence = try duration(absentProducer, "absent-producer") { limits.stopPatience.absence = absence }
        // A body is JSON: in the worst case every byte of a line takes six of it.
        guard limits.line <= limits.appendBody / 8 else {
            throw ValidationError("line-limit must not be more than an eighth of append-limit.")
        }
        guard limits.appendBody <= limits.bodies else {
            throw ValidationError("body-memory must not be less than append-limit.")
        }
        return limits
    }

    func log(_ settings: ServeSettings) throws -> ByteCount {
        try settings.value(logLimit, "log-limit")?.bytes ?? .gibibytes(4)
    }
}
