package import Everyline
import Glibc

extension CommandPlace {
    /// Where this process runs, and a command at a terminal of this size. It asks the system's user database, which may
    /// be elsewhere: not for an event loop.
    package static func here(terminal: TerminalSize? = nil) -> CommandPlace {
        CommandPlace(host: hostName, user: userName, directory: workingDirectory, terminal: terminal)
    }

    private static var hostName: String? {
        var name = [CChar](repeating: 0, count: CommandPlace.longestName + 1)
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        return text(name)
    }

    private static var userName: String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var strings = [CChar](repeating: 0, count: 64 << 10)
        guard getpwuid_r(geteuid(), &entry, &strings, strings.count, &found) == 0, found != nil else { return nil }
        return String(cString: entry.pw_name)
    }

    private static var workingDirectory: String? {
        var path = [CChar](repeating: 0, count: CommandPlace.longestPath + 1)
        guard getcwd(&path, path.count) != nil else { return nil }
        return text(path)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
