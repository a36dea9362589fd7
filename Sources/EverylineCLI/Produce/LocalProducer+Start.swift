import ArgumentParser
import Everyline
import EverylineClient
import EverylineProducer
import EverylineRunner

// How an execution begins whose output is made here: by its registration at the server, or without one.
extension LocalProducer {
    /// What there is before the output begins.
    struct Start {
        let execution: ExecutionID
        let endpoint: ProducerEndpoint
        let directory: ProducerDirectory
        let spool: Spool
        let lineLimit: ByteCount
        let endFields: [String]
        /// Where no server knows of it yet.
        var late: LateRegistration?
        /// Whether the command runs without a record, because there is no place for its output here.
        var isUnrecorded = false
    }

    /// Begins, unless a signal comes before.
    func begin(
        _ client: EverylineClient, unlessBy signals: UserSignals
    ) async throws -> Start {
        let beginning = Task { try await begin(client) }
        let watching = Task {
            for await signal in signals.early {
                guard signal.ends else {
                    OwnProcess.suffer(signal.number)
                    continue
                }
                if signal.isFromTerminal { Console.signalCame() }
                // Where the request is under way, its answer says which log is to be ended.
                try await ContinuousClock().sleep(for: Self.shortTimeout)
                beginning.cancel()
            }
        }
        defer { watching.cancel() }
        let begun = await beginning.result
        guard let signal = signals.begin() else { return try begun.get() }
        switch begun {
        case .success(let start):
            start.directory.remove()
            if start.late == nil { await Self.endUnstarted(start.endpoint) }
            Console.say("interrupted; the command was not started")
        case .failure(is CancellationError):
            Console.say("interrupted; the command was not started. The server may list it all the same: everyline list")
        case .failure(let error): Console.say("interrupted; the command was not started: \(error)")
        }
        OwnProcess.suffer(signal.number)
        throw ExitCode(128 + signal.number)
    }

    /// Ends the log of a command that was not started, if the server takes that soon.
    private static func endUnstarted(_ endpoint: ProducerEndpoint) async {
        let ending = Task {
            try await endpoint.endUnstarted("The command was not started: it was interrupted before.", at: .now)
        }
        let limit = Task {
            try await ContinuousClock().sleep(for: shortTimeout)
            ending.cancel()
        }
        _ = await ending.result
        limit.cancel()
    }

    private func begin(_ client: EverylineClient) async throws -> Start {
        let configuration = client.configuration
        // Before anything is registered that could not be recorded.
        let place: HeldDirectory
        do {
            place = try ProducerDirectory.place()
            if isBestEffort { try tryPlace(place, configuration) }
        } catch let error as CLIError where isBestEffort {
            Console.say("\(error). The command runs all the same; nothing of it is recorded.")
            return try beginUnrecorded()
        }
        let registered: RegisterResponse
        do {
            registered = try await register(client)
        } catch let error where isBestEffort && !(error is CancellationError) {
            let why = error is APIError ? "the server refuses to register the command: \(error)." : "\(error)"
            Console.say("\(why) The command runs without it; its output is kept here until a server takes it.")
            return try beginAlone(client, in: place, configuration)
        }
        guard let id = ExecutionID(registered.executionID), let token = Credential(registered.appendToken) else {
            throw CLIError("the server gave no usable id")
        }
        if !isQuiet { Console.announce(id, at: client.configuration.address) }
        let endpoint = ProducerEndpoint(client, execution: id, token: token)
        do {
            let directory = try ProducerDirectory.make(
                for: id, .init(configuration: configuration, appendToken: registered.appendToken, of: request),
                in: place)
            // Longer lines the server would cut, and an event would not be an offset.
            let told = min(registered.lineLimit ?? LineCutter.defaultLimit, LineCutter.defaultLimit)
            let lineLimit = max(LineCutter.leastLimit, told)
            let spool = try Self.spool(in: directory)
            if let incarnation = registered.incarnation.flatMap({ Incarnation($0) }) { spool.begin(in: incarnation) }
            return Start(
                execution: id, endpoint: endpoint, directory: directory, spool: spool, lineLimit: lineLimit,
                endFields: registered.endFields ?? [])
        } catch {
            // Where the server can't be told now either, it ends the log when it has not heard of its producer for
            // long.
            try? await endpoint.endUnstarted("The command was not started: \(error)", at: .now)
            throw error
        }
    }

    /// - Throws: ``CLIError`` where a spool can't be made.
    private func tryPlace(_ place: HeldDirectory, _ configuration: EverylineClient.Configuration) throws {
        let origin = ProducerDirectory.Origin(configuration: configuration, appendToken: nil, of: request)
        let directory = try ProducerDirectory.make(for: newID, origin, in: place)
        defer { directory.remove() }
        _ = try Self.spool(in: directory)
    }

    /// - Throws: ``CLIError`` where it can't be made; the directory is gone then.
    private static func spool(in directory: ProducerDirectory) throws -> Spool {
        do {
            return try Spool(in: directory.files)
        } catch {
            directory.remove()
            throw CLIError("there is no place for the spool: \(directory.files.path): \(error)")
        }
    }

    private var newID: ExecutionID {
        var generator = SystemGenerator()
        return ExecutionID(at: .now, using: &generator)
    }

    /// Begins without a record: no request goes to a server, and the spool drops what it gets.
    private func beginUnrecorded() throws -> Start {
        let (id, clock) = (newID, ContinuousClock())
        let endpoint = ProducerEndpoint(
            append: { _, _, _ in
                while true { try await clock.sleep(for: .seconds(3600)) }
            },
            setPending: { _, _ in },
            mustStop: {
                while true { try await clock.sleep(for: .seconds(3600)) }
            })
        let spool = try Spool(on: NoDisk())
        spool.refuse()
        return Start(
            execution: id, endpoint: endpoint, directory: ProducerDirectory(files: OwnedDirectory(id, in: "")),
            spool: spool, lineLimit: Self.safeLine, endFields: [], isUnrecorded: true)
    }

    /// What any server takes as one line.
    private static let safeLine: ByteCount = .kibibytes(16)

    private func beginAlone(
        _ client: EverylineClient, in place: HeldDirectory, _ configuration: EverylineClient.Configuration
    ) throws -> Start {
        let id = newID
        let origin = ProducerDirectory.Origin(
            configuration: configuration, appendToken: nil, of: request, under: registration)
        let directory = try ProducerDirectory.make(for: id, origin, in: place)
        let late = LateRegistration(
            client, request, under: registration, in: directory, configuration, isQuiet: isQuiet)
        return Start(
            execution: id, endpoint: late.endpoint, directory: directory, spool: try Self.spool(in: directory),
            lineLimit: Self.safeLine, endFields: [], late: late)
    }

    /// How long a command that runs without a server too waits for each of the server's two answers; and one that a
    /// signal has ended, for the last of them.
    static let shortTimeout: Duration = .seconds(3)

    /// Registers the execution, trying again for a few seconds. Where that takes long, it says so.
    private func register(_ client: EverylineClient) async throws -> RegisterResponse {
        do {
            return try await Console.waiting(for: "the server to register the command") {
                try await (isBestEffort ? RetryPolicy(attempts: 2) : .fewTimes).run(
                    isTransient: { ($0 as? APIError)?.mayPassForProducer ?? RetryPolicy.isTransient($0) }
                ) {
                    try await client.register(
                        request, idempotencyKey: registration, timeout: isBestEffort ? Self.shortTimeout : nil)
                }
            }
        } catch let error where error is CancellationError || (error as? APIError)?.isForeign == false {
            throw error
        } catch {
            let address = client.configuration.address
            let absence = ConnectionOptions.absence(of: address, error) ?? CLIError("\(error), at \(address).")
            throw CLIError(isBestEffort ? "\(absence)" : "\(absence) Nothing was started.")
        }
    }
}

/// Takes everything, and keeps nothing.
private struct NoDisk: SpoolDisk {
    func names() -> [String] { [] }
    func create(_ name: String) -> any SpoolFile { NoFile() }
    func open(_ name: String) -> any SpoolFile { NoFile() }
    func rename(_ name: String, to other: String) {}
    func remove(_ name: String) {}

    private struct NoFile: SpoolFile {
        func append(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.count }
        func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) -> Int { 0 }
        func sync() {}
        func truncate(to size: ByteCount) {}
        func close() {}
    }
}
