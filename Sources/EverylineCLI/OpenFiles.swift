import Glibc

/// How many files and connections this process may have open.
enum OpenFiles {
    /// Takes as many as the system allows; the usual limit is for programs with few.
    ///
    /// - Returns: how many may be open then.
    @discardableResult
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_cur : before)
    }

    /// What the server keeps for its database, its runners' connections and its files, whatever clients do.
    static let reserve = 128
}
