import Everyline
import EverylineAWS
import EverylineServer

/// What the functions are told by their environment; read here and nowhere else. The template sets it.
struct LambdaConfiguration: Sendable {
    let function: Function
    let runtime: AWSEndpoint
    let region: String
    /// In the place of AWS's own addresses.
    let endpoint: AWSEndpoint?
    let credentials: EnvironmentCredentials
    let logLevel: String
    /// What Lambda calls the function; empty where something else runs it.
    let functionName: String

    enum Function: String, Sendable, CaseIterable {
        case api
        case ingest
        case sequencer
        case reconciler
        case delivery
        case connection
        case completion
    }

    private let environment: [String: String]

    init(_ environment: [String: String]) throws {
        self.environment = environment
        let name = try Self.value("EVERYLINE_FUNCTION", in: environment)
        guard let function = Function(rawValue: name) else {
            throw ConfigurationError.invalid("EVERYLINE_FUNCTION", name)
        }
        self.function = function
        runtime = try Self.endpoint("http://" + Self.value("AWS_LAMBDA_RUNTIME_API", in: environment))
        functionName = environment["AWS_LAMBDA_FUNCTION_NAME"] ?? ""
        region = try Self.value("AWS_REGION", in: environment)
        endpoint = try environment["AWS_ENDPOINT_URL"].map(Self.endpoint)
        credentials = EnvironmentCredentials(environment)
        logLevel = environment["EVERYLINE_LOG_LEVEL"] ?? "info"
    }

    var table: String { get throws { try value("EVERYLINE_TABLE") } }
    var logsEventsQueueURL: String { get throws { try value("LogsEventsQueueURL") } }
    /// Where messages are put that can't be read.
    var logsEventsDeadQueueURL: String { get throws { try value("LogsEventsDeadQueueURL") } }
    var reconcileQueueURL: String { get throws { try value("ReconcileQueueURL") } }
    /// How long a hole is given to close by itself.
    var repairDelay: Duration { get throws { try seconds("EVERYLINE_REPAIR_SECONDS") ?? .seconds(20) } }
    /// How long CloudWatch is given between two readings to show what it has taken.
    var reconcilePause: Duration { get throws { try seconds("EVERYLINE_PAUSE_SECONDS") ?? .seconds(15) } }
    /// After how many seconds a producer that is elsewhere asks again whether it should stop.
    var controlPoll: Int {
        get throws { try seconds("EVERYLINE_POLL_SECONDS").map { Int($0.components.seconds) } ?? 30 }
    }
    /// When a stop ends the log of such a producer without it. It asks more often than that.
    var stopPatience: StopPatience {
        get throws { StopPatience(absence: try seconds("EVERYLINE_ABSENCE_SECONDS") ?? StopPatience().absence) }
    }
    var deliveriesQueueURL: String { get throws { try value("DeliveriesQueueURL") } }
    /// Where viewers connect: `wss://…/stage`.
    var streams: StreamGateway { get throws { StreamGateway(address: try value("EVERYLINE_STREAMS_URL")) } }
    /// The same stage, where posts to viewers go: `https://…/stage`.
    var connections: AWSEndpoint { get throws { try Self.endpoint(value("EVERYLINE_CONNECTIONS_URL")) } }
    var connectionsPerKey: Int {
        get throws {
            let text = try value("EVERYLINE_CONNECTIONS_PER_KEY")
            guard let count = Int(text), count > 0 else {
                throw ConfigurationError.invalid("EVERYLINE_CONNECTIONS_PER_KEY", text)
            }
            return count
        }
    }
    /// The origins whose pages may open streams.
    var origins: [String] { get throws { try list("EVERYLINE_ORIGINS") } }
    /// How clients reach the API, if not at the address that they asked.
    var publicURL: String? { environment["EVERYLINE_PUBLIC_URL"].flatMap { $0.isEmpty ? nil : $0 } }
    var cluster: String { get throws { try value("EVERYLINE_CLUSTER") } }
    var logGroup: String { get throws { try value("EVERYLINE_LOG_GROUP") } }
    /// What the names of tasks' log streams begin with.
    var logPrefix: String { get throws { try value("EVERYLINE_LOG_PREFIX") } }

    var placement: ECSCommands.Placement {
        get throws {
            let limit = environment["EVERYLINE_TIME_LIMIT"] ?? "0"
            guard let seconds = Int(limit), seconds >= 0 else {
                throw ConfigurationError.invalid("EVERYLINE_TIME_LIMIT", limit)
            }
            return ECSCommands.Placement(
                taskDefinition: try value("EVERYLINE_TASK_DEFINITION"), subnets: try list("EVERYLINE_SUBNETS"),
                securityGroups: try list("EVERYLINE_SECURITY_GROUPS"),
                assignsPublicIP: environment["EVERYLINE_PUBLIC_IP"] == "true",
                timeoutSeconds: seconds > 0 ? seconds : nil)
        }
    }

    /// For how long executions are kept; for ever if nothing is said.
    var retention: Duration? {
        get throws {
            guard let text = environment["EVERYLINE_RETENTION_DAYS"] else { return nil }
            guard let days = Int(text), days > 0 else {
                throw ConfigurationError.invalid("EVERYLINE_RETENTION_DAYS", text)
            }
            return .seconds(days * 24 * 60 * 60)
        }
    }

    /// How long a sender may hold a viewer's lock without progress.
    var delivery: DeliverySettings {
        get throws {
            var settings = DeliverySettings()
            if let lease = try seconds("EVERYLINE_LEASE_SECONDS") { settings.lease = lease }
            return settings
        }
    }

    /// A function takes 6 MiB and gives as much; what is JSON within JSON takes up to twice its size.
    var limits: ServerConfiguration.Limits {
        get throws {
            var limits = ServerConfiguration.Limits()
            limits.appendBody = .mebibytes(3)
            // A line of JSON's longest escapes fits into a frame.
            limits.line = LedgerLimits().line
            limits.logAnswer = .mebibytes(2)
            // A question that waits would hold an instance of the function, day and night. The answers to appends say
            // it too.
            limits.controlPoll = try controlPoll
            limits.stopPatience = try stopPatience
            // An instance of a function doesn't know which producers are there.
            limits.lostProducer = nil
            return limits
        }
    }

    private func seconds(_ name: String) throws -> Duration? {
        guard let text = environment[name] else { return nil }
        // No queue delays a message by more than 900.
        guard let seconds = Int(text), (1...900).contains(seconds) else { throw ConfigurationError.invalid(name, text) }
        return .seconds(seconds)
    }

    private func value(_ name: String) throws -> String { try Self.value(name, in: environment) }

    private func list(_ name: String) throws -> [String] {
        try value(name).split(separator: ",").map(String.init)
    }

    private static func value(_ name: String, in environment: [String: String]) throws -> String {
        guard let value = environment[name], !value.isEmpty else { throw ConfigurationError.missing(name) }
        return value
    }

    private static func endpoint(_ url: String) throws -> AWSEndpoint {
        guard let endpoint = AWSEndpoint(url) else { throw ConfigurationError.invalid("an address", url) }
        return endpoint
    }
}

enum ConfigurationError: Error, Equatable {
    case missing(String)
    case invalid(String, String)
}
