import ArgumentParser
import Everyline
import EverylineServer

/// The settings of `serve`: the one table that its flags, its variables, its names in the user's file, their help and
/// their defaults come from.
enum ServeSetting: String, CaseIterable {
    case data, spool, listen
    case recordOnly = "record-only"
    case adminKeyFile = "admin-key-file"
    case tlsCertificate = "tls-certificate"
    case tlsKey = "tls-key"
    case publicURL = "public-url"
    case allowOrigin = "allow-origin"
    case retentionAge = "retention-age"
    case retentionSize = "retention-size"
    case logLevel = "log-level"
    case lineLimit = "line-limit"
    case logLimit = "log-limit"
    case appendLimit = "append-limit"
    case bodyMemory = "body-memory"
    case viewerMemory = "viewer-memory"
    case frameLimit = "frame-limit"
    case stallTimeout = "stall-timeout"
    case heartbeat
    case tokenLifetime = "token-lifetime"
    case maxConnections = "max-connections"
    case maxViewersPerKey = "max-viewers-per-key"
    case maxViewers = "max-viewers"
    case requestTimeout = "request-timeout"
    case idleTimeout = "idle-timeout"
    case absentProducer = "absent-producer"
    case unheededStop = "unheeded-stop"
    case lostProducer = "lost-producer"

    /// Its name in the file, and behind `--`.
    var name: String { rawValue }

    /// Its name in the environment.
    var variable: String { "EVERYLINE_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }

    var help: ArgumentHelp {
        ArgumentHelp(
            standard.map { "\(sentence) (default: \($0))" } ?? sentence,
            valueName: self == .listen ? "host:port" : nil)
    }

    private var sentence: String {
        switch self {
        case .data: "The directory that holds everything."
        case .spool: "Where runners keep what the server hasn't acknowledged."
        case .listen: "Where to listen; port 0 lets the system choose."
        case .recordOnly: "Record what producers elsewhere send, and run no commands: `run` is refused."
        case .adminKeyFile: "Take the administrator's key from this file, or make one and write it there."
        case .tlsCertificate: "The certificate's chain, as a PEM file: serve over TLS."
        case .tlsKey: "The certificate's private key, as a PEM file."
        case .publicURL: "How clients reach the server, when it stands behind a proxy: https://logs.example.com"
        case .allowOrigin: "Another origin whose pages may open streams; may be given several times."
        case .retentionAge: "Remove executions this long after their end: 90d."
        case .retentionSize: "Remove the oldest ended executions while all logs take more: 100GiB."
        case .logLevel: "trace, debug, info, notice, warning or error."
        case .lineLimit: "A line of output; a longer one is cut into parts that are marked."
        case .logLimit: "A log; beyond it only notices and the end are recorded, and the log says so."
        case .appendLimit: "The body of an append."
        case .bodyMemory: "The bodies of all requests that are in memory."
        case .viewerMemory: "What waits for viewers and downloads that don't read, in all."
        case .frameLimit: "A message to a viewer, cut between events."
        case .stallTimeout: "How long a viewer may not read before it is closed."
        case .heartbeat: "The silence after which viewers get a sign of life."
        case .tokenLifetime: "How long a stream's URL can be used."
        case .maxConnections: "Connections in all."
        case .maxViewersPerKey: "Viewers under one API key."
        case .maxViewers: "Viewers in all."
        case .requestTimeout: "From connecting to the whole head of a request."
        case .idleTimeout: "The silence after which a connection without a request is closed."
        case .absentProducer: "How long a producer may be silent after a request to stop, or after a restore."
        case .unheededStop: "How long a producer may go on after it was asked to stop; then its log is ended."
        case .lostProducer: "The silence after which a producer is taken for lost, and its log is ended."
        }
    }

    /// Its default, for people; `nil` where there is none.
    private var standard: String? {
        switch self {
        case .data: "$XDG_DATA_HOME/everyline"
        case .spool: "runners/ in the data directory"
        case .listen: "127.0.0.1:7070"
        case .retentionAge, .retentionSize: "keep them"
        case .logLevel: "info"
        case .logLimit: ByteSize(LimitOptions.log).description
        default: limit?.standard
        }
    }

    /// The limit that it sets; `nil` if it sets none of the server's.
    var limit: Limit? {
        switch self {
        case .lineLimit: .bytes(\.line)
        case .appendLimit: .bytes(\.appendBody)
        case .bodyMemory: .bytes(\.bodies)
        case .viewerMemory: .bytes(\.unread)
        case .frameLimit: .bytes(\.frame)
        case .stallTimeout: .time(\.stalledViewer)
        case .heartbeat: .time(\.heartbeat)
        case .tokenLifetime: .time(\.streamToken)
        case .maxConnections: .count(\.connections)
        case .maxViewersPerKey: .count(\.viewersPerKey)
        case .maxViewers: .count(\.viewers)
        case .requestTimeout: .time(\.firstRequest)
        case .idleTimeout: .time(\.idleConnection)
        case .absentProducer: .time(\.stopPatience.absence)
        case .unheededStop: .time(\.stopPatience.overdue)
        case .lostProducer: .optionalTime(\.lostProducer)
        default: nil
        }
    }

    /// A limit of the server's, by the kind of its value.
    enum Limit {
        typealias Limits = ServerConfiguration.Limits

        case bytes(WritableKeyPath<Limits, ByteCount>)
        case count(WritableKeyPath<Limits, Int>)
        case time(WritableKeyPath<Limits, Duration>)
        case optionalTime(WritableKeyPath<Limits, Duration?>)

        fileprivate var standard: String? {
            let limits = Limits()
            return switch self {
            case .bytes(let path): ByteSize(limits[keyPath: path]).description
            case .count(let path): "\(limits[keyPath: path])"
            case .time(let path): TimeSpan(limits[keyPath: path]).description
            case .optionalTime(let path): limits[keyPath: path].map { TimeSpan($0).description }
            }
        }
    }
}

extension Option {
    /// The flag of a setting.
    init<T: ExpressibleByArgument>(_ setting: ServeSetting) where Value == T? {
        self.init(name: .customLong(setting.name), help: setting.help)
    }
}
