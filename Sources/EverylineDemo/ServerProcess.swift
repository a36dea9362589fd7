import Glibc
import Subprocess
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The server under demonstration: started as a user starts it, and killed with SIGKILL.
final class ServerProcess: Sendable {
    let binary: String
    let directory: String
    private let running = Mutex<Int32?>(nil)
    private let listeningPort = Mutex<Int>(0)

    init(binary: String, directory: String) {
        self.binary = binary
        self.directory = directory
    }

    /// Where it listens; 0 before it did so first.
    var port: Int { listeningPort.withLock { $0 } }
    var keyFile: String { directory + "/admin.key" }

    /// Runs the server until it ends. A second run listens where the first did.
    func run(onListening: @Sendable (_ port: Int) -> Void) async throws {
        let log = try FileDescriptor.open(
            directory + "/server.log", .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        defer { try? log.close() }
        let address = "127.0.0.1:\(port)"
        let environment = Environment.inherit.updating(["XDG_CONFIG_HOME": directory + "/config"])
        _ = try await Subprocess.run(
            .path(FilePath(binary)),
            arguments: ["serve", "--data", directory + "/data", "--listen", address, "--admin-key-file", keyFile],
            environment: environment, input: .none, output: .sequence,
            error: .fileDescriptor(log, closeAfterSpawningProcess: false)
        ) { execution in
            self.running.withLock { $0 = execution.processIdentifier.value }
            for try await line in execution.standardOutput.strings() {
                guard let listening = try? JSONDecoder().decode(Listening.self, from: Data(line.utf8)),
                    let port = listening.port
                else { continue }
                self.listeningPort.withLock { $0 = port }
                onListening(port)
            }
        }
        running.withLock { $0 = nil }
    }

    /// Ends the process at once, or asks it to end.
    func send(_ signal: Int32) {
        running.withLock { process in
            // Under the lock the process has not been waited for, so the number is still its own.
            if let process { kill(process, signal) }
        }
    }

    private struct Listening: Decodable {
        let listening: String

        var port: Int? { listening.split(separator: ":").last.flatMap { Int($0) } }
    }
}
