import ArgumentParser
import EverylineClient

/// Where the server's settings come from: a flag goes before the environment, that before `serve:` in the user's file.
struct ServeSettings {
    private let environment: [String: String]
    /// What stands under `serve:`.
    private let file: [String: String]

    /// - Throws: a `ValidationError` that names a setting which doesn't exist: a misspelt limit must not go unnoticed.
    init(environment: [String: String], file: [String: String]) throws {
        if let unknown = file.keys.sorted().first(where: { ServeSetting(rawValue: $0) == nil }) {
            let known = ServeSetting.allCases.map(\.name).sorted().joined(separator: ", ")
            throw ValidationError("serve: \(unknown) in the file is no setting. There are \(known).")
        }
        self.environment = environment
        self.file = file
    }

    /// What the flag says, else the setting's variable, else its name in the file; `nil` if it isn't given.
    ///
    /// - Throws: a `ValidationError` that says where the value that can't be used came from.
    func value<Value: ExpressibleByArgument>(_ flag: Value?, _ setting: ServeSetting) throws -> Value? {
        if let flag { return flag }
        let (text, origin) =
            environment[setting.variable].map { ($0, setting.variable) }
            ?? (file[setting.name], "\(setting.name) in the file")
        guard let text, !text.isEmpty else { return nil }
        guard let value = Value(argument: text) else {
            throw ValidationError("\(origin): '\(text)' is no usable value.")
        }
        return value
    }
}

/// A number of bytes as people write it: `65536`, `256KiB`, `8MiB`, `4GiB`, `20GB`.
struct ByteSize: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

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

    var description: String {
        let (factor, unit) =
            [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")].first { bytes.isMultiple(of: $0.0) } ?? (1, "")
        return "\(bytes / factor)\(unit)"
    }
}

/// A span of time as people write it: `30s`, `10m`, `1h30m`, `7d`; a bare number is seconds.
struct TimeSpan: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = TimeExpression.duration(argument) ?? TimeExpression.duration(argument + "s") else {
            return nil
        }
        self.duration = duration
    }

    /// In whole days, hours or seconds.
    var description: String {
        let seconds = duration.components.seconds
        let (factor, unit) = [(86_400, "d"), (3600, "h")].first { seconds.isMultiple(of: $0.0) } ?? (1, "s")
        return "\(seconds / factor)\(unit)"
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
