import Everyline
import EverylineProducer
import Synchronization

/// Tells the user how the delivery goes, but not at each try, and not while a program draws on the user's terminal.
final class DeliveryVoice: Sendable {
    private let spool: Spool
    private let directory: String
    private let isDrawnOn: @Sendable () -> Bool
    private let state = Mutex(State())

    private struct State {
        var outage = Outage()
        /// Whether the server has answered since.
        var isBack = false
        /// What is to be said of the outage, once nothing is drawn.
        var unsaid: [String] = []
    }

    /// - Parameter isDrawnOn: whether a program draws on the terminal now.
    init(_ spool: Spool, directory: String, isDrawnOn: @escaping @Sendable () -> Bool) {
        self.spool = spool
        self.directory = directory
        self.isDrawnOn = isDrawnOn
    }

    /// Hears of each answer that says that the server is there.
    func hearing(_ endpoint: ProducerEndpoint) -> ProducerEndpoint {
        ProducerEndpoint(
            append: { events, head, incarnation in
                let answer = try await endpoint.append(events, head, incarnation)
                self.answered()
                return answer
            },
            setPending: endpoint.setPending,
            mustStop: {
                let answer = try await endpoint.mustStop()
                self.answered()
                return answer
            })
    }

    private func answered() {
        let isNews = state.withLock { state in
            guard !state.outage.isQuiet, !state.isBack else { return false }
            state.isBack = true
            return true
        }
        if isNews { spool.changes.announce() }
    }

    /// Says when an outage is over: the server is there again, and has everything.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        while true {
            let version = spool.changes.version
            if spool.delivered >= spool.last { delivered() }
            let isSaid = isDrawnOn() ? state.withLock(\.unsaid.isEmpty) : sayAll()
            try await spool.changes.wait(
                past: version, atMost: isSaid ? .seconds(3600) : .milliseconds(300), on: ContinuousClock())
        }
    }

    /// Says what has waited.
    @discardableResult
    func sayAll() -> Bool {
        let unsaid = state.withLock { state in
            defer { state.unsaid = [] }
            return state.unsaid
        }
        for words in unsaid { Console.say(words) }
        return true
    }

    private func say(_ words: String) {
        state.withLock { $0.unsaid.append(words) }
        if isDrawnOn() { spool.changes.announce() } else { sayAll() }
    }

    func note(_ error: any Error) {
        let (isFirst, isNews) = state.withLock { state in
            state.isBack = false
            return (state.outage.isQuiet, state.outage.isNews("\(error)"))
        }
        guard isNews else { return }
        let consequence = isFirst ? " The output is kept in \(directory) and sent as soon as possible." : ""
        say("\(error).\(consequence)")
    }

    func refused(_ error: APIError) {
        say("The server refuses the output: \(error). The command goes on; its output is kept in \(directory).")
    }

    /// Says so, if the user was told of an outage, and it is over.
    func delivered() {
        let isOver = state.withLock { state in
            guard state.isBack else { return false }
            // A user who was told nothing of the outage needs no word of its end.
            defer { state = State() }
            return state.unsaid.isEmpty
        }
        if isOver { Console.say("Everything has been delivered.") }
    }
}
