import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Synchronization

/// A queue of logs' events that takes each id once, as SQS does, and none that is too large.
final class InMemoryLogsQueue: LogsQueue {
    struct Sent: Equatable {
        let execution: ExecutionID
        let message: LogsMessage
    }

    private let state = Mutex<(ids: Set<String>, sent: [Sent], refuses: Bool)>(([], [], false))

    struct Refused: Error {}

    var sent: [Sent] { state.withLock { $0.sent } }

    /// The next messages are not taken.
    func refuseNext() { state.withLock { $0.refuses = true } }

    func send(_ messages: [Identified<LogsMessage>], of execution: ExecutionID) async throws {
        let isRefused = state.withLock { state in
            defer { state.refuses = false }
            return state.refuses
        }
        if isRefused { throw Refused() }
        for message in messages {
            // What can't travel must be noticed here, not at AWS.
            guard let body = message.message.body else { throw LambdaEventError.tooLarge(limit: 0) }
            let arrived = try LogsMessage(body: body)
            state.withLock { state in
                guard state.ids.insert("\(execution) \(message.id)").inserted else { return }
                state.sent.append(Sent(execution: execution, message: arrived))
            }
        }
    }
}

/// A queue of reconciling that gives nothing out by itself.
final class InMemoryReconcileQueue: ReconcileQueue {
    struct Sent: Equatable {
        let message: ReconcileMessage
        let delay: Duration
    }

    private let state = Mutex<(sent: [Sent], refuses: Bool)>(([], false))

    struct Refused: Error {}

    var sent: [Sent] { state.withLock { $0.sent } }

    /// The next message is not taken.
    func refuseNext() { state.withLock { $0.refuses = true } }

    func take() -> [Sent] {
        state.withLock { state in
            defer { state.sent.removeAll() }
            return state.sent
        }
    }

    func send(_ message: ReconcileMessage, after delay: Duration) async throws {
        let arrived = try ReconcileMessage(body: message.body)
        try state.withLock { state in
            defer { state.refuses = false }
            if state.refuses { throw Refused() }
            state.sent.append(Sent(message: arrived, delay: delay))
        }
    }
}

/// Tasks in memory.
final class InMemoryTasks: TaskStore {
    private let tasks = Mutex<[ExecutionID: ExecutionTask]>([:])

    func add(_ task: ExecutionTask, of execution: ExecutionID) async throws {
        tasks.withLock { $0[execution] = task }
    }

    func task(of execution: ExecutionID) async throws -> ExecutionTask? { tasks.withLock { $0[execution] } }

    func execution(of stream: LogStreamName) async throws -> ExecutionID? {
        tasks.withLock { $0.first { $0.value.stream == stream }?.key }
    }
}

/// A value that a test changes while functions read it.
final class Changing<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// Which messages were given back to their queue.
final class Requeues: Sendable {
    private let ids = Mutex<[String]>([])

    var messages: [String] { ids.withLock { $0.sorted() } }
    var requeue: Requeue { { record, _ in self.ids.withLock { $0.append(record.messageID) } } }
}

/// Takes dead letters, and refuses it while there is no room.
final class DeadLetters: Sendable {
    private let state = Mutex<(ids: [String], isFull: Bool)>(([], false))

    var taken: [String] { state.withLock { $0.ids.sorted() } }
    func fill() { state.withLock { $0.isFull = true } }

    var deadLetter: DeadLetter {
        { record in
            try self.state.withLock { state in
                if state.isFull { throw Full() }
                state.ids.append(record.messageID)
            }
        }
    }

    struct Full: Error {}
}

enum Event {
    /// A batch as a queue's trigger gives it.
    static func batch(_ messages: [(id: String, group: String, body: String)]) -> LambdaInvocation {
        let records = messages.map { message in
            """
            {"messageId":"\(message.id)","receiptHandle":"r-\(message.id)","body":\(quoted(message.body)),
            "attributes":{"MessageGroupId":"\(message.group)","ApproximateReceiveCount":"1"}}
            """
        }
        return invocation("{\"Records\":[\(records.joined(separator: ","))]}")
    }

    /// What a standard queue's trigger gives, which knows no groups.
    static func single(_ body: String) -> LambdaInvocation {
        invocation(
            """
            {"Records":[{"messageId":"m","receiptHandle":"r-m","body":\(quoted(body)),
            "attributes":{"ApproximateReceiveCount":"1"}}]}
            """)
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer(string: "\"")
        buffer.writeJSONText(text)
        return String(buffer: buffer) + "\""
    }

    static func invocation(_ json: String, deadline: Int64 = 1_790_000_900_000) -> LambdaInvocation {
        LambdaInvocation(id: "i", payload: ByteBuffer(string: json), deadline: Timestamp(milliseconds: deadline))
    }

    static func line(_ id: Int, _ message: String = "text") -> CloudWatchLogs.Event {
        CloudWatchLogs.Event(id: "id-\(id)", timestamp: Int64(1000 + id), message: message)
    }
}
