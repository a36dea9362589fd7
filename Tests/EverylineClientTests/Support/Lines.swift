import Everyline
import NIOCore

/// Event lines as a server writes them.
enum Lines {
    static func line(_ offset: UInt64, _ message: String = "text") -> String {
        "{\"offset\":\(offset),\"timestamp\":\(1000 + offset),\"message\":\"\(message)\"}"
    }

    static func end(_ offset: UInt64, status: String = "FAILED", exitCode: Int = 3) -> String {
        "{\"offset\":\(offset),\"timestamp\":9000,\"type\":\"end\",\"status\":\"\(status)\",\"exit_code\":\(exitCode)}"
    }

    static func lines(_ offsets: ClosedRange<UInt64>) -> [String] { offsets.map { line($0) } }

    static func heartbeat(_ head: UInt64) -> String { "{\"type\":\"heartbeat\",\"head\":\(head)}" }
}

extension ByteBuffer {
    /// A message of these lines.
    init(lines: [String]) { self.init(string: lines.joined(separator: "\n")) }

    var text: String { String(buffer: self) }
}

extension ExecutionOutcome {
    static let failed3 = ExecutionOutcome(status: .failed, exitCode: 3)
}
