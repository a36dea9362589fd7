import CSpawn
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Names one process for ever: its number is used again, its number and start time within one boot are not.
package struct ProcessIdentity: Codable, Sendable, Equatable {
    let pid: Int32
    /// In clock ticks since the boot (proc_pid_stat(5), field 22).
    let startTime: UInt64
    let boot: String

    /// The process with this number; `nil` if there is none.
    init?(of pid: Int32) {
        guard let status = ProcessStatus(of: pid), let boot = Self.boot else { return nil }
        self.pid = pid
        startTime = status.startTime
        self.boot = boot
    }

    private static let boot =
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.filter { !$0.isWhitespace }

    /// Whether the machine hasn't been started anew since.
    var isOfThisBoot: Bool { boot == Self.boot }

    /// Whether it is the one that the kernel speaks of.
    func names(_ status: ProcessStatus) -> Bool {
        status.pid == pid && status.startTime == startTime && isOfThisBoot
    }
}

extension ProcessStatus {
    /// Sends a signal to this very process, and to none that has its number since.
    ///
    /// - Returns: whether it was allowed, or the process was gone already.
    @discardableResult
    func signal(_ signal: Int32) -> Bool {
        let descriptor = cspawn_open_process(pid)
        guard descriptor >= 0 else {
            // Linux before 5.3 knows no such descriptors; a number is used again much later than this.
            guard errno == ENOSYS, isStillThere else { return errno == ESRCH || errno == ENOSYS }
            return kill(pid, signal) == 0 || errno == ESRCH
        }
        defer { close(descriptor) }
        // The descriptor stands for the process that has the number now: if that is this process, it will always be.
        guard isStillThere else { return true }
        return cspawn_signal_process(descriptor, signal) == 0 || errno == ESRCH
    }

    private var isStillThere: Bool { ProcessStatus(of: pid)?.startTime == startTime }
}
