#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which threads get a processor first, where there are fewer than want one.
package enum ThreadPriority {
    /// Lets event loops and the thread that writes go before the calling thread, so that live lines don't wait for
    /// replays, lists and downloads.
    ///
    /// On Linux a nice value is a thread's own (setpriority(2)); 0 is the calling one. It can always be raised, so
    /// there is nothing to check.
    package static func yieldToLiveLines() { _ = setpriority(CInt(PRIO_PROCESS.rawValue), 0, 10) }
}
