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
        guard let startTime = Self.startTime(of: pid), let boot = Self.boot else { return nil }
        self.pid = pid
        self.startTime = startTime
        self.boot = boot
    }

    /// Sends a signal to its process group, whose leader it is, while it has not been waited for.
    func signalGroup(_ signal: Int32) { killpg(pid, signal) }

    /// Kills what is left of its process group, whoever was its parent, and whether it is still there itself.
    func killGroup() {
        // A number isn't given out again while a group has it: only another process under it means that ours is gone.
        guard boot == Self.boot, ProcessIdentity(of: pid).map({ $0 == self }) ?? true else { return }
        killpg(pid, SIGKILL)
    }

    private static var boot: String? {
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.filter { !$0.isWhitespace }
    }

    private static func startTime(of pid: Int32) -> UInt64? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            // The second field is the program's name in parentheses, and may hold anything.
            let name = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
