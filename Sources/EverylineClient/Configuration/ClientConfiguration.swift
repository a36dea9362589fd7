/// Where a command finds the server and its key: the flags go before the environment, that before the user's file. It
/// is the only reader of these settings, and each value remembers where it came from.
package struct ClientConfiguration: Sendable {
    package let address: ServerAddress
    package let credential: Credential?
    package let caFile: String?
    /// What the user should know of the configuration, though it works.
    package let warnings: [String]

    /// What was given on the command line.
    package struct Flags: Sendable {
        package var url: String?
        package var apiKeyFile: String?
        package var caFile: String?

        package init(url: String? = nil, apiKeyFile: String? = nil, caFile: String? = nil) {
            self.url = url
            self.apiKeyFile = apiKeyFile
            self.caFile = caFile
        }
    }

    /// The user's file, as it was read.
    package struct File: Sendable {
        package let path: String
        package let values: [String: String]
        /// Whether users other than its owner may read it.
        package let isReadableByOthers: Bool

        package init(path: String, values: [String: String], isReadableByOthers: Bool) {
            self.path = path
            self.values = values
            self.isReadableByOthers = isReadableByOthers
        }
    }

    package static let defaultURL = "http://127.0.0.1:7070"

    /// - Parameters:
    ///   - file: `nil` if there is none.
    ///   - readKeyFile: gives the text of the file that the flag names.
    /// - Throws: ``InvalidClientConfiguration``, or what `readKeyFile` throws.
    package init(
        flags: Flags, environment: [String: String], file: File?, readKeyFile: (String) throws -> String
    ) throws {
        if let unknown = file?.values.keys.sorted().first(where: { !["url", "api_key", "ca_file"].contains($0) }) {
            throw InvalidClientConfiguration(
                setting: unknown, origin: file?.path ?? "",
                problem: "it is no setting; there are url, api_key and ca_file")
        }
        let url =
            Setting(flags.url, "--url") ?? Setting(environment["EVERYLINE_URL"], "EVERYLINE_URL")
            ?? Setting(file, "url") ?? Setting(value: Self.defaultURL, origin: "the default")
        do throws(InvalidServerAddress) {
            address = try ServerAddress(url.value)
        } catch {
            throw InvalidClientConfiguration(setting: "url", origin: url.origin, problem: error.description)
        }
        let keyInFile = Setting(file, "api_key")
        var key = Setting(environment["EVERYLINE_API_KEY"], "EVERYLINE_API_KEY") ?? keyInFile
        if let path = flags.apiKeyFile { key = Setting(value: try readKeyFile(path), origin: "--api-key-file \(path)") }
        credential = try key.map { key in
            guard let credential = Credential(key.value.trimmed) else {
                throw InvalidClientConfiguration(setting: "api_key", origin: key.origin, problem: "it is no API key")
            }
            return credential
        }
        caFile = (Setting(flags.caFile, "--ca-file") ?? Setting(file, "ca_file"))?.value
        var warnings: [String] = []
        if let file, keyInFile != nil, file.isReadableByOthers {
            warnings.append("\(file.path) holds an API key and can be read by others: chmod 600 \(file.path)")
        }
        if credential != nil, !address.isEncrypted, !address.isLocal {
            warnings.append("the API key is sent to \(address) unencrypted")
        }
        self.warnings = warnings
    }

    /// A value that was given, and where. Empty is the same as not given.
    private struct Setting {
        let value: String
        let origin: String

        init(value: String, origin: String) {
            self.value = value
            self.origin = origin
        }

        init?(_ value: String?, _ origin: String) {
            guard let value, !value.isEmpty else { return nil }
            self.init(value: value, origin: origin)
        }

        init?(_ file: File?, _ key: String) {
            guard let file else { return nil }
            self.init(file.values[key], "\(key) in \(file.path)")
        }
    }
}

/// A setting that can't be used, and where it came from. It doesn't repeat the value, which may be a secret.
package struct InvalidClientConfiguration: Error, Equatable, CustomStringConvertible {
    package let setting: String
    package let origin: String
    package let problem: String

    package init(setting: String, origin: String, problem: String) {
        self.setting = setting
        self.origin = origin
        self.problem = problem
    }

    package var description: String { "the setting \(setting) (from \(origin)) can't be used: \(problem)" }
}

extension ServerAddress {
    /// Whether what is sent there stays on this machine.
    var isLocal: Bool {
        if socketPath != nil { return true }
        guard let separator = description.utf8.firstRange(of: "://".utf8) else { return false }
        let rest = description[separator.upperBound...]
        return ["127.0.0.1", "localhost", "[::1]"].contains { host in
            guard rest.hasPrefix(host) else { return false }
            return [nil, ":", "/"].contains(rest.dropFirst(host.count).first)
        }
    }
}

extension String {
    /// Without blanks and line ends around it.
    fileprivate var trimmed: Substring {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
