import Everyline
import EverylineWebSocket
import NIOCore
import Synchronization

/// A stream behind a gateway, as a tail reads it.
final class GatewayTailConnection: TailConnection {
    private let connection: WebSocketConnection
    private let voice: Voice
    private let watch: RepeatedTask

    /// What the reader and the watch share.
    private final class Voice: Sendable {
        let stream: Mutex<GatewayStream>

        init(_ stream: GatewayStream) { self.stream = Mutex(stream) }
    }

    /// Says from where the stream goes on.
    ///
    /// - Throws: `WebSocketError`, `CancellationError`.
    init(_ connection: WebSocketConnection, of execution: ExecutionID, after offset: Offset) async throws {
        let stream = GatewayStream(of: execution, after: offset, at: .now)
        let voice = Voice(stream)
        self.connection = connection
        self.voice = voice
        watch = connection.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { task in
            if connection.closure != nil { task.cancel() }
            guard let message = voice.stream.withLock({ $0.speak(at: .now) }) else { return }
            connection.post(text: ByteBuffer(string: message.text))
        }
        try await connection.send(texts: [ByteBuffer(string: stream.opening.text)])
    }

    deinit {
        watch.cancel()
        connection.startClosing()
    }

    func next() async throws -> TailReading {
        while true {
            switch try await WebSocketTailConnection.reading(of: connection) {
            case .message(let message):
                switch voice.stream.withLock({ $0.receive(message, at: .now) }) {
                case .lines(let lines): return .message(lines)
                case .nothing: continue
                case .answer(let message): connection.post(text: ByteBuffer(string: message.text))
                case .refused(let what): return .lost("the gateway says: \(what)")
                }
            case let end:
                return end
            }
        }
    }

    func close() {
        watch.cancel()
        connection.startClosing()
    }
}
