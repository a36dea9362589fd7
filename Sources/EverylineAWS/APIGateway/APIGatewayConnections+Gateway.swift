package import Everyline
package import NIOCore

extension APIGatewayConnections: Gateway {
    package func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult {
        do {
            try await post(message, to: connection.rawValue)
            return .accepted
        } catch let error as AWSError {
            if error.code == .gone || error.status == 410 { return .gone }
            return error.status == 429 ? .throttled : .failed
        } catch {
            return .failed
        }
    }

    package func close(_ connection: ConnectionID) async {
        // A connection that can't be closed is gone, or goes by itself: idle ones after ten minutes, all after two hours.
        try? await delete(connection.rawValue)
    }
}
