import EverylineWebSocket
import NIOCore
import NIOPosix

/// Runs through all cases of a test server that speaks Autobahn's convention: ask how many there are, connect for each,
/// have the report written.
struct CaseClient {
    let url: String
    let agent: String
    let configuration: WebSocketConfiguration

    func run() async throws {
        for number in try await 1...caseCount() {
            await Echo.answer(try await connect("/runCase?case=\(number)&agent=\(agent)"))
        }
        await Echo.answer(try await connect("/updateReports?agent=\(agent)"))
    }

    private func caseCount() async throws -> Int {
        let connection = try await connect("/getCaseCount")
        guard case .text(let bytes)? = try await connection.next(), let count = Int(String(buffer: bytes)) else {
            preconditionFailure("the test server doesn't say how many cases it has")
        }
        await connection.close()
        return count
    }

    private func connect(_ path: String) async throws -> WebSocketConnection {
        try await WebSocketClient.connect(
            to: url + path, configuration: configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
    }
}
