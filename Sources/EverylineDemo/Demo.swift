import Everyline
import EverylineCanary
import EverylineClient
import Glibc
import NIOCore
import NIOPosix
import SystemPackage
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Shows on a real command what Everyline promises: follows it while the connection is cut twice and the server is
/// killed once, and holds what was received against what the command wrote.
///
///     everyline-demo BINARY JOB DIRECTORY [--once]
@main
struct Demo {
    let server: ServerProcess
    let job: String
    let staysUp: Bool
    let proxy = FaultyProxy(group: MultiThreadedEventLoopGroup.singleton)

    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4 else {
            say("usage: everyline-demo BINARY JOB DIRECTORY [--once]")
            exit(2)
        }
        let demo = Demo(
            server: ServerProcess(binary: arguments[1], directory: arguments[3]), job: arguments[2],
            staysUp: !arguments.contains("--once"))
        do {
            exit(try await demo.run() ? 0 : 1)
        } catch {
            say("The demo failed: \(error)")
            say("The server's log is \(demo.server.directory)/server.log")
            demo.server.send(SIGTERM)
            exit(1)
        }
    }

    /// - Returns: whether everything was received, once and in order.
    private func run() async throws -> Bool {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Bool?.self) { group in
            group.addTask {
                try await server.run { port.yield($0) }
                // The first run ends with the kill; a second one goes on where it was.
                try await server.run { port.yield($0) }
                return nil
            }
            group.addTask {
                var ports = ports.makeAsyncIterator()
                guard let port = await ports.next() else { throw DemoError("the server did not start") }
                return try await follow(serverPort: port)
            }
            guard let isVerified = try await group.next(), let isVerified else {
                throw DemoError("the server did not start, or not again")
            }
            if staysUp { try await waitForInterrupt() }
            server.send(SIGTERM)
            group.cancelAll()
            return isVerified
        }
    }

    private func follow(serverPort: Int) async throws -> Bool {
        proxy.forward(to: "127.0.0.1", port: serverPort)
        guard let proxyPort = try await proxy.listen().localAddress?.port else {
            throw DemoError("no port for the proxy")
        }
        let key = try String(contentsOfFile: server.keyFile, encoding: .utf8).filter { !$0.isWhitespace }
        let address = try ServerAddress("http://127.0.0.1:\(proxyPort)")
        let record = server.directory + "/record"
        Self.say("The server listens on http://127.0.0.1:\(serverPort).")
        Self.say("The viewer reaches it through a proxy that can cut.")
        return try await EverylineClient.with(.init(address: address, credential: Credential(key))) { client in
            let started = try await client.run(RunRequest(command: ["bash", job, record]))
            guard let id = ExecutionID(started.executionID) else { throw DemoError("no usable id: \(started)") }
            Self.say("Execution \(id) runs: bash \(job)")
            let received = try await DemoViewer(client: client, execution: id, interruptions: interruptions()).watch()
            let written = try Array(Data(contentsOf: URL(fileURLWithPath: record)))
            return Verdict(received: received, written: written).print()
        }
    }

    /// Two cuts of the connection and one kill of the server, at random places.
    private func interruptions() -> [Interruption] {
        let places = (0..<3).map { UInt64(700 + $0 * 1400 + Int.random(in: 0..<1200)) }
        let kinds: [Interruption.Kind] = [.cut, .kill, .cut].shuffled()
        return zip(places, kinds).map { place, kind in
            Interruption(after: Offset(place), kind: kind) {
                switch kind {
                case .cut: proxy.inject(.cut(afterBytes: .random(in: 0..<4096), abruptly: .random()))
                case .kill: server.send(SIGKILL)
                }
            }
        }
    }

    private func waitForInterrupt() async throws {
        Self.say("")
        let url = "http://127.0.0.1:\(server.port)"
        Self.say("The server goes on at \(url). In another terminal:")
        Self.say("    export EVERYLINE_URL=\(url) EVERYLINE_API_KEY=$(cat \(server.keyFile))")
        Self.say("    \(server.binary) list")
        Self.say("    \(server.binary) run -- ls -l /")
        Self.say("Ctrl-C stops it.")
        for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
    }

    /// What standard output does not take is its reader's loss alone.
    static func say(_ text: String) {
        _ = try? FileDescriptor.standardOutput.writeAll(Array((text + "\n").utf8))
    }
}

struct DemoError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
