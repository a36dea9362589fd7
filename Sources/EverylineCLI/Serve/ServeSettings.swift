import ArgumentParser
import EverylineClient

/// Where the server's settings come from: a flag goes before the environment, that before `serve:` in the user's file.
struct ServeSettings {
    private let environment: [String: String]
    /// What stands under `serve:`.
    private let file: [String: String]

    private static let names: Set = [
        "data", "spool", "listen", "record-only", "admin-key-file", "tls-certificate", "tls-key",
        "public-url", "allow-origin",
        "retention-age", "retention-size", "log-level", "line-limit", "log-limit", "append-limit", "body-memory",
        "viewer-memory", "frame-limit",
        "stall-timeout", "heartbeat", "token-lifetime", "max-connections", "max-viewers-per-key", "max-viewers",
        "request-timeout",
        "idle-timeout", "absent-producer", "unheeded-stop", "lost-producer",
    ]

    /// - Throws: a `ValidationError` that names a setting which there isn't: whoever misspelt a limit should not learn it
    ///   from its absence.
    init(environment: [String: String], file: [String: String]) throws {
        if let unknown = file.keys.sorted().first(where: { !Self.names.contains($0) }) {
            let known = Self.names.sorted().joined(separator: ", ")
            throw ValidationError("serve: \(unknown) in the file is no setting. There are \(known).")
        }
        self.environment = environment
        self.file = file
    }

    /// The value of `--name`, of `EVERYLINE_NAME`, or of `name` in the file; `nil` if none is given.
    ///
    /// - Throws: a `ValidationError` that says where the value that can't be used came from.
    func value<Value: ExpressibleByArgument>(_ flag: Value?, _ name: String) throws -> Value? {
        precondition(Self.names.contains(name), "\(name) is missing in the list of settings")
        if let flag { return flag }
        let variable = "EVERYLINE_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        let (text, origin) = environment[variable].map { ($0, variable) } ?? (file[name], "\(name) in the file")
        guard let text, !text.isEmpty else { return nil }
        guard let value = Value(argument: text) else {
            throw ValidationError("\(origin): '\(text)' is no usable value.")
        }
        return value
    }
}

/// A number of bytes as people write it: `65536`, `256KiB`, `8MiB`, `4GiB`, `20GB`.
struct ByteSize: ExpressibleByArgument, Equatable {
    let bytes: Int

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let unit = argument.dropFirst(digits.count).lowercased()
        guard let count = Int(digits), let factor = Self.units[unit] else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: factor)
        guard !isTooLarge, bytes > 0 else { return nil }
        self.bytes = bytes
    }

    private static let units = [
        "": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "kb": 1000, "mb": 1_000_000,
        "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    ]
}

/// A span of time as people write it: `30s`, `10m`, `1h30m`, `7d`; a bare number is seconds.
struct TimeSpan: ExpressibleByArgument, Equatable {
    let duration: Duration

    init?(argument: String) {
        guard let duration = TimeExpression.duration(argument) ?? TimeExpression.duration(argument + "s") else {
            return nil
        }
        self.duration = duration
    }
}

/// A value with its unit. Where logs are removed by it, a bare number would be taken for seconds or bytes.
struct WithUnit<Value: ExpressibleByArgument>: ExpressibleByArgument {
    let value: Value

    init?(argument: String) {
        guard argument.last?.isLetter == true, let value = Value(argument: argument) else { return nil }
        self.value = value
    }
}
