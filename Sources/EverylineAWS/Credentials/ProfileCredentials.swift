/// A profile's keys in the files that the AWS command line keeps: `~/.aws/credentials` and `~/.aws/config`.
///
/// Only keys that stand there are used. A profile that gets them otherwise (single sign-on, another role, a process) is
/// an error that says how to get at them.
package struct ProfileCredentials: CredentialSource {
    private let profile: String
    /// Whether the user named this profile, so that it must exist.
    private let isNamed: Bool
    private let paths: (credentials: String, configuration: String)
    private let readFile: @Sendable (String) throws -> String?

    /// - Parameters:
    ///   - environment: `HOME`, `AWS_PROFILE`, `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`.
    ///   - readFile: a file's text; `nil` if there is none.
    package init(_ environment: [String: String], readFile: @escaping @Sendable (String) throws -> String?) {
        let home = environment["HOME"] ?? ""
        let named = environment["AWS_PROFILE"].flatMap { $0.isEmpty ? nil : $0 }
        profile = named ?? "default"
        isNamed = named != nil
        paths = (
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(home)/.aws/credentials",
            environment["AWS_CONFIG_FILE"] ?? "\(home)/.aws/config"
        )
        self.readFile = readFile
    }

    package func credentials() async throws -> AWSCredentials? {
        let keys = try section(profile, of: paths.credentials)
        let configured = try section(profile == "default" ? profile : "profile \(profile)", of: paths.configuration)
        guard keys != nil || configured != nil else {
            if isNamed { throw invalid("there is no such profile") }
            return nil
        }
        let settings = (configured ?? [:]).merging(keys ?? [:]) { $1 }
        guard let id = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"] else {
            if settings.keys.contains(where: Self.isElsewhere) {
                throw invalid(
                    "its keys are not in the file; put them into the environment: "
                        + "eval \"$(aws configure export-credentials --format env)\"")
            }
            if isNamed { throw invalid("it has no keys") }
            return nil
        }
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: settings["aws_session_token"])
    }

    private static func isElsewhere(_ setting: String) -> Bool {
        ["role_arn", "credential_process", "login_session"].contains(setting) || setting.hasPrefix("sso_")
    }

    private func invalid(_ reason: String) -> CredentialError {
        .invalid(place: "the profile \(profile)", reason: reason)
    }

    /// The settings under `[name]`; `nil` if there is no such section.
    private func section(_ name: String, of path: String) throws -> [String: String]? {
        let text: String?
        do {
            text = try readFile(path)
        } catch {
            throw CredentialError.unavailable(place: path, reason: "it can't be read")
        }
        guard let text else { return nil }
        var settings: [String: String]?
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            let trimmed = line.trimmed
            if trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix(";") { continue }
            if trimmed.hasPrefix("["), let end = trimmed.firstIndex(of: "]") {
                let words = trimmed[trimmed.index(after: trimmed.startIndex)..<end].split(whereSeparator: \.isBlank)
                isInside = words.joined(separator: " ") == name
                if isInside { settings = settings ?? [:] }
            } else if isInside, line.first?.isBlank == false, let mark = trimmed.firstIndex(of: "=") {
                // An indented line belongs to a nested setting, such as `s3`.
                settings?[trimmed[..<mark].trimmed.lowercased()] = String(
                    trimmed[trimmed.index(after: mark)...].trimmed)
            }
        }
        return settings
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = drop(while: \.isBlank)
        while rest.last?.isBlank == true { rest.removeLast() }
        return rest
    }
}

extension Character {
    fileprivate var isBlank: Bool { self == " " || self == "\t" }
}
