import Glibc
import NIOCore
import SystemPackage

/// How many files and connections this process may have open.
enum OpenFiles {
    /// Takes as many as the system allows; the usual limit is for programs with few.
    ///
    /// - Returns: how many may be open then.
    private static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_cur : before)
    }

    /// Makes sure that this process may open what it needs: where the libraries below can't make an event loop, they
    /// end the process.
    ///
    /// - Returns: how many may be open.
    /// - Throws: ``CLIError``.
    @discardableResult
    static func ensure(_ needed: Int = needed) throws -> Int {
        let limit = raiseLimit()
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < needed {
            // Of a socket, which needs nothing to be there.
            let next =
                opened.first.map { fcntl($0, F_DUPFD_CLOEXEC, 0) } ?? socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard next >= 0 else {
                let found = Errno(rawValue: errno)
                throw CLIError(
                    "\(needed) more files have to be open at once, and only \(opened.count) may be: \(found). The limit is \(limit) (ulimit -n)."
                )
            }
            opened.append(next)
        }
        return limit
    }

    /// The event loops', and what a command opens beside them.
    static let needed = 3 * System.coreCount + 32

    /// What the server keeps for its database, its runners' connections and its files, whatever clients do.
    static let reserve = needed + 96

    /// How many connections a server must have room for, to be of use: a command that is followed has some.
    static let leastConnections = 32
}

/// How many threads this process may have.
enum Threads {
    /// Makes sure that this process may have what it needs, before anything is begun: where the libraries below can't
    /// make a thread, they end the process, or wait for ever.
    ///
    /// - Throws: ``CLIError``.
    static func ensure(_ needed: Int = needed) throws {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(gate, nil)
        defer {
            pthread_mutex_destroy(gate)
            gate.deallocate()
        }
        var threads: [pthread_t] = []
        var result: Int32 = 0
        pthread_mutex_lock(gate)
        while threads.count < needed, result == 0 {
            var thread = pthread_t()
            result = pthread_create(
                &thread, nil,
                { gate in
                    let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self)
                    if let gate {
                        pthread_mutex_lock(gate)
                        pthread_mutex_unlock(gate)
                    }
                    return nil
                }, gate)
            if result == 0 { threads.append(thread) }
        }
        pthread_mutex_unlock(gate)
        for thread in threads { pthread_join(thread, nil) }
        guard result == 0 else {
            throw CLIError(
                "\(needed) threads have to run at once, and only \(threads.count) may: \(Errno(rawValue: result)). Limits are the user's processes (ulimit -u), memory (ulimit -v), and the control group's."
            )
        }
    }

    /// The event loops', the concurrency runtime's, a server's workers, and what a command has beside them.
    static let needed = 3 * System.coreCount + 10
}
