import EverylineWebSocket
import NIOCore
import NIOPosix

/// Sends back whatever comes over a WebSocket: the other side of a conformance test.
///
///     WebSocketEcho serve              listens on a free port of this machine and prints it
///     WebSocketEcho answer URL AGENT   connects to a test server's cases, one after the other
@main
struct Echo {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.count) {
        case ("serve", 1): try await EchoServer(configuration: configuration(of: .server)).run()
        case ("answer", 3):
            let client = CaseClient(
                url: arguments[arguments.startIndex + 1], agent: arguments[arguments.startIndex + 2],
                configuration: configuration(of: .client))
            try await client.run()
        default: preconditionFailure("usage: WebSocketEcho serve | answer URL AGENT")
        }
    }

    /// The tests send messages of 16 MiB, and some of 65,536 frames.
    private static func configuration(of side: WebSocketConfiguration) -> WebSocketConfiguration {
        var configuration = side
        configuration.maximumMessageSize = 32 * 1024 * 1024
        configuration.maximumFragments = 1024 * 1024
        configuration.maximumRead = 64 * 1024
        return configuration
    }

    /// Answers each message with itself until the connection ends, however it does.
    static func answer(_ connection: WebSocketConnection) async {
        do {
            while let message = try await connection.next() {
                switch message {
                case .text(let bytes): try await connection.send(texts: [bytes])
                case .binary(let bytes): try await connection.send(binaries: [bytes])
                }
            }
        } catch {
            // What the peer made of it is what is tested: how it ended, the test itself knows.
        }
        await connection.close()
    }
}
