import ArgumentParser
import EverylineUserFiles

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a server keeps everything.
enum DataDirectory {
    /// What the flag or another setting says; else `everyline` in the user's data directory. Always absolute: runners
    /// have other working directories, and are given this path.
    static func path(
        _ flag: String?, _ settings: ServeSettings, _ environment: [String: String]
    ) throws -> String {
        let base = UserDirectories(environment).data
        guard let path = try settings.value(flag, .data) ?? base.map({ $0 + "/everyline" }) else {
            throw ValidationError("There is no home directory; say where the data is: --data DIR.")
        }
        return absolute(path)
    }

    /// The same, for a command that runs beside the server.
    static func path(_ flag: String?) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        return try path(
            flag, ServeSettings(environment: environment, file: UserFile.read(environment)?.serve ?? [:]), environment)
    }

    /// Where the runners' directories lie.
    static func runners(_ flag: String?, of directory: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let settings = try ServeSettings(environment: environment, file: UserFile.read(environment)?.serve ?? [:])
        return try settings.value(flag, .spool).map(absolute) ?? directory + "/runners"
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
