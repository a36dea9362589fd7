import CSpawn
import Glibc
import SystemPackage

/// How a process is started: what it is, and what it finds. Both for a command and for its runner.
struct SpawnedProcess {
    /// The paths that are tried in turn.
    let programs: [[UInt8]]
    let words: [[UInt8]]
    let environment: CommandEnvironment
    /// Where it begins; `nil`: where this process is.
    let directory: String?
    /// What its standard input, output and error are; -1: closed.
    let descriptors: (Int32, Int32, Int32)
    /// Whether it belongs to this process's session and group, with the signals and descriptors that this process was
    /// started with; else it leads a session of its own, without any.
    let inherits: Bool
    /// Its controlling terminal: the command's end of one.
    var terminal: FileDescriptor?
    /// With `inherits`: the terminal whose settings are restored when this process is gone.
    var restored: FileDescriptor?
    /// With a terminal and `inherits`: our end of it, and where what comes out of it goes when this process is gone.
    var terminalEnd: FileDescriptor?
    var target: FileDescriptor?
    /// With a terminal and `inherits`: how it begins there.
    var jobState = cspawn_foreground

    struct Failure: Error {
        let step: cspawn_step
        let cause: Errno
    }

    /// - Returns: its number; it is a child, and must be waited for. With a terminal, and if it inherits, the keeper of
    ///   its session too.
    func start() throws(Failure) -> (pid: Int32, keeper: SessionKeeper?) {
        var pid: pid_t = 0
        var keeper = cspawn_keeper()
        var failed = cspawn_fork
        let result = Self.withCStrings(programs) { programs in
            Self.withCStrings(words) { words in
                Self.withCStrings(environment.entries) { environment in
                    Self.withCStrings(directory.map { [Array($0.utf8)] } ?? []) { directory in
                        var process = cspawn_process()
                        process.programs = UnsafePointer(programs)
                        process.words = UnsafePointer(words)
                        process.environment = UnsafePointer(environment)
                        process.directory = UnsafePointer(directory.pointee)
                        process.descriptors = descriptors
                        process.inherits = inherits
                        process.terminal = terminal?.rawValue ?? -1
                        process.restored = restored?.rawValue ?? -1
                        process.terminal_end = terminalEnd?.rawValue ?? -1
                        process.target = target?.rawValue ?? -1
                        process.job_state = jobState
                        return cspawn_start(&process, &pid, &keeper, &failed)
                    }
                }
            }
        }
        guard result == 0 else { throw Failure(step: failed, cause: Errno(rawValue: result)) }
        return (pid, keeper.number > 0 ? SessionKeeper(keeper) : nil)
    }

    /// The strings as C has them, with `nil` behind the last.
    private static func withCStrings<Value>(
        _ strings: [[UInt8]], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            (pointers + index).initialize(
                to: string.withUnsafeBytes { strndup($0.baseAddress ?? UnsafeRawPointer(pointers), $0.count) })
        }
        (pointers + strings.count).initialize(to: nil)
        defer {
            for index in strings.indices { free(pointers[index]) }
            pointers.deallocate()
        }
        return body(pointers)
    }
}
