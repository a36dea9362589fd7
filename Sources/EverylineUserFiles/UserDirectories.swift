import Glibc

/// Where a user's files lie, by the XDG base directory specification: where a variable says, if that is an absolute
/// path, else in the user's home. Each is `nil` for a user without a home.
package struct UserDirectories {
    private let environment: [String: String]

    package init(_ environment: [String: String]) { self.environment = environment }

    package var config: String? { directory("XDG_CONFIG_HOME", otherwise: ".config") }
    package var data: String? { directory("XDG_DATA_HOME", otherwise: ".local/share") }
    package var state: String? { directory("XDG_STATE_HOME", otherwise: ".local/state") }

    private func directory(_ variable: String, otherwise place: String) -> String? {
        absolute(variable) ?? (absolute("HOME") ?? Self.registeredHome).map { $0 + "/" + place }
    }

    private func absolute(_ variable: String) -> String? {
        environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// The home that the system's user database names. Services and `env -i` have no `HOME`.
    private static var registeredHome: String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var strings = [CChar](repeating: 0, count: 64 << 10)
        guard getpwuid_r(geteuid(), &entry, &strings, strings.count, &found) == 0, found != nil, let home = entry.pw_dir
        else { return nil }
        let path = String(cString: home)
        return path.hasPrefix("/") ? path : nil
    }
}
