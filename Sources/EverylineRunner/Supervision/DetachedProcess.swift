import CSpawn
import Glibc
import SystemPackage

/// Starts a process that outlives this one: in a session of its own, with nothing of ours but its arguments, its
/// environment and the limit of open files that this process was started with.
enum DetachedProcess {
    /// - Parameters:
    ///   - arguments: the first is the name that the process goes by.
    ///   - log: the file that gets its standard error and output.
    /// - Returns: its number; it is a child, and must be waited for.
    /// - Throws: `Errno`.
    static func start(_ program: String, _ arguments: [String], log: String) throws -> Int32 {
        let nothing = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
        defer { try? nothing.close() }
        let output = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append, .closeOnExec], permissions: .ownerReadWrite)
        defer { try? output.close() }
        return try SpawnedProcess(
            programs: [Array(program.utf8)], words: arguments.map { Array($0.utf8) }, environment: .inherited,
            directory: nil, descriptors: (nothing.rawValue, output.rawValue, output.rawValue), inherits: false
        ).start().pid
    }

    /// Takes the exit status of a child that has ended, so that it doesn't stay as a zombie.
    ///
    /// - Returns: its status by waitpid(2), 0 if it exited with 0; `nil` if it still runs.
    static func reap(_ pid: Int32) -> Int32? {
        var status: Int32 = 0
        switch waitpid(pid, &status, WNOHANG) {
        case 0: return nil
        case pid: return status
        default: return -1
        }
    }
}
