import Everyline
import EverylineClient
import EverylineProducer
import EverylineRunner
import Synchronization

/// The registration of an execution whose command was started without a server: made with the first of its events that
/// gets through.
final class LateRegistration: Sendable {
    /// What the server knows the execution by.
    struct Registered: Sendable {
        let execution: ExecutionID
        let endpoint: ProducerEndpoint
    }

    private let client: EverylineClient
    private let request: RegisterRequest
    private let key: String
    private let directory: ProducerDirectory
    private let configuration: EverylineClient.Configuration
    private let isQuiet: Bool
    private let made = Mutexed<Registered>()
    private let isTrying = Atomic(false)
    private let changes = ChangeSignal()

    /// - Parameters:
    ///   - key: the idempotency key of each try, so that all of them register one execution.
    ///   - configuration: where `everyline recover` finds the server.
    ///   - isQuiet: whether the user isn't told the execution's id.
    init(
        _ client: EverylineClient, _ request: RegisterRequest, under key: String, in directory: ProducerDirectory,
        _ configuration: EverylineClient.Configuration, isQuiet: Bool
    ) {
        self.key = key
        self.isQuiet = isQuiet
        self.client = client
        self.request = request
        self.directory = directory
        self.configuration = configuration
    }

    var registered: Registered? { made.value }

    /// What the producer asks of the server. An append registers the execution, if that hasn't been done; everything
    /// else waits for it.
    var endpoint: ProducerEndpoint {
        ProducerEndpoint(
            append: { [self] events, head, incarnation in
                try await register().endpoint.append(events, head, incarnation)
            },
            setPending: { [self] in try await wait().endpoint.setPending($0, $1) },
            mustStop: { [self] in try await wait().endpoint.mustStop() })
    }

    private func wait() async throws -> Registered {
        while true {
            let version = changes.version
            if let registered { return registered }
            try await changes.wait(past: version)
        }
    }

    /// Registers the execution, if the server takes it within a time limit, and before `leave`.
    func tryNow(within limit: Duration, unless leave: StopSignal) async {
        await withTaskGroup { group in
            group.addTask { _ = try? await self.register() }
            group.addTask { try? await ContinuousClock().sleep(for: limit) }
            group.addTask { _ = await leave.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// One try at a time is made.
    ///
    /// - Throws: ``ClientError`` also where the server refuses: a command that runs already is no less worth recording
    ///   then.
    private func register() async throws -> Registered {
        while true {
            let version = changes.version
            if let registered { return registered }
            if !isTrying.exchange(true, ordering: .acquiring) { break }
            try await changes.wait(past: version)
        }
        defer {
            isTrying.store(false, ordering: .releasing)
            changes.announce()
        }
        let answer: RegisterResponse
        do {
            answer = try await client.registerOnce(request, under: key)
        } catch let error as APIError {
            throw ClientError.refused("\(error)")
        }
        let registered = try Self.note(answer, of: request, in: directory, configuration)
        let endpoint = ProducerEndpoint(client, execution: registered.id, token: registered.token)
        if !isQuiet { Console.announce(registered.id, at: configuration.address) }
        made.set(Registered(execution: registered.id, endpoint: endpoint))
        return Registered(execution: registered.id, endpoint: endpoint)
    }

    /// Writes down what the server gave, so that what is kept can be delivered by another process from now on.
    @discardableResult
    static func note(
        _ answer: RegisterResponse, of request: RegisterRequest, in directory: ProducerDirectory,
        _ configuration: EverylineClient.Configuration
    ) throws -> (id: ExecutionID, token: Credential) {
        guard let id = ExecutionID(answer.executionID), let token = Credential(answer.appendToken) else {
            throw ClientError.unexpectedAnswer("it gave no usable id")
        }
        var origin = ProducerDirectory.Origin(
            configuration: configuration, appendToken: answer.appendToken, of: request)
        origin.execution = answer.executionID
        try directory.note(origin)
        return (id, token)
    }
}

extension EverylineClient {
    /// Registers an execution that another process may have asked for before: then it is the same one. Where that
    /// process had another API key, whose token nothing can give again, it is a new one.
    func registerOnce(_ request: RegisterRequest, under key: String?) async throws -> RegisterResponse {
        do {
            return try await register(request, idempotencyKey: key)
        } catch let error as APIError where error.knownCode == .idempotencyKeyReused {
            return try await register(request)
        }
    }
}
