import ArgumentParser
import Everyline
import EverylineServer

/// The limits that `serve` can be told; their defaults are ``ServerConfiguration/Limits``.
struct LimitOptions: ParsableArguments {
    @Option(.lineLimit) var lineLimit: ByteSize?
    @Option(.logLimit) var logLimit: ByteSize?
    @Option(.appendLimit) var appendLimit: ByteSize?
    @Option(.bodyMemory) var bodyMemory: ByteSize?
    @Option(.viewerMemory) var viewerMemory: ByteSize?
    @Option(.frameLimit) var frameLimit: ByteSize?
    @Option(.stallTimeout) var stallTimeout: TimeSpan?
    @Option(.heartbeat) var heartbeat: TimeSpan?
    @Option(.tokenLifetime) var tokenLifetime: TimeSpan?
    @Option(.maxConnections) var maxConnections: Int?
    @Option(.maxViewersPerKey) var maxViewersPerKey: Int?
    @Option(.maxViewers) var maxViewers: Int?
    @Option(.requestTimeout) var requestTimeout: TimeSpan?
    @Option(.idleTimeout) var idleTimeout: TimeSpan?
    @Option(.absentProducer) var absentProducer: TimeSpan?
    @Option(.unheededStop) var unheededStop: TimeSpan?
    @Option(.lostProducer) var lostProducer: TimeSpan?

    /// A log, where nothing else is said.
    static let log: ByteCount = .gibibytes(4)

    func limits(_ settings: ServeSettings) throws -> ServerConfiguration.Limits {
        var limits = ServerConfiguration.Limits()
        func set(_ flag: ByteSize?, _ setting: ServeSetting) throws {
            guard case .bytes(let path) = setting.limit, let value = try settings.value(flag, setting) else { return }
            limits[keyPath: path] = value.bytes
        }
        func set(_ flag: TimeSpan?, _ setting: ServeSetting) throws {
            guard let value = try settings.value(flag, setting) else { return }
            guard value.duration > .zero else { throw ValidationError("\(setting.name) must be more than nothing.") }
            if case .time(let path) = setting.limit { limits[keyPath: path] = value.duration }
            if case .optionalTime(let path) = setting.limit { limits[keyPath: path] = value.duration }
        }
        func set(_ flag: Int?, _ setting: ServeSetting) throws {
            guard case .count(let path) = setting.limit, let value = try settings.value(flag, setting) else { return }
            guard value > 0 else { throw ValidationError("\(setting.name) must be more than nothing.") }
            limits[keyPath: path] = value
        }
        try set(lineLimit, .lineLimit)
        guard limits.line >= LineCutter.leastLimit else {
            throw ValidationError("\(ServeSetting.lineLimit.name) must be at least \(LineCutter.leastLimit) bytes.")
        }
        try set(appendLimit, .appendLimit)
        try set(bodyMemory, .bodyMemory)
        try set(viewerMemory, .viewerMemory)
        try set(frameLimit, .frameLimit)
        try set(stallTimeout, .stallTimeout)
        try set(heartbeat, .heartbeat)
        try set(tokenLifetime, .tokenLifetime)
        try set(maxConnections, .maxConnections)
        try set(maxViewersPerKey, .maxViewersPerKey)
        try set(maxViewers, .maxViewers)
        try set(requestTimeout, .requestTimeout)
        try set(idleTimeout, .idleTimeout)
        try set(absentProducer, .absentProducer)
        try set(unheededStop, .unheededStop)
        try set(lostProducer, .lostProducer)
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
        try settings.value(logLimit, .logLimit)?.bytes ?? Self.log
    }
}
