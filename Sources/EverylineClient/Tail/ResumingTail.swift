public import Everyline

/// Follows one log to its `end` event across any disconnect: reconnects after the last event that it has, for as long
/// as it takes, and proves that nothing is missing.
///
/// Each event after the start is given once, in order. The sequence ends in one way only, after
/// ``TailUpdate/ended(_:isVerified:)``; whatever else happens is thrown. The reader sets the pace: while it doesn't
/// ask, nothing is read.
///
///     for try await update in client.follow(id, from: .after(cursor)) {
///         guard case .events(let block) = update else { continue }
///         for event in try block.events() { … }
///         cursor = block.last
///     }
///
/// Every iteration is a tail of its own, and connects by itself.
public struct ResumingTail: AsyncSequence, Sendable {
    public typealias Element = TailUpdate

    public typealias Options = ResumptionOptions

    private let start: StreamStart
    private let location: String?
    private let incarnation: Incarnation?
    private let options: Options
    private let endpoint: TailEndpoint
    private let clock: any Clock<Duration>
    private let seed: @Sendable () -> UInt64

    /// - Parameters:
    ///   - location: a stream's URL that is known already, from the answer to a run.
    ///   - incarnation: of that answer.
    package init(
        from start: StreamStart, at location: String? = nil, in incarnation: Incarnation? = nil, options: Options,
        endpoint: TailEndpoint,
        clock: any Clock<Duration>, seed: @escaping @Sendable () -> UInt64
    ) {
        self.start = start
        self.location = location
        self.incarnation = incarnation
        self.options = options
        self.endpoint = endpoint
        self.clock = clock
        self.seed = seed
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            machine: ResumingTailStateMachine(
                from: start, at: location, in: incarnation, options: options, seed: seed()),
            endpoint: endpoint, clock: clock)
    }

    /// One tail. Letting go of it hangs up.
    public struct Iterator: AsyncIteratorProtocol {
        private var machine: ResumingTailStateMachine
        private let endpoint: TailEndpoint
        private let clock: any Clock<Duration>
        private var connection: (any TailConnection)?
        private var way = StreamWay.webSocket
        /// What is to be told before the machine is asked.
        private var newWay: StreamWay?

        init(machine: ResumingTailStateMachine, endpoint: TailEndpoint, clock: any Clock<Duration>) {
            self.machine = machine
            self.endpoint = endpoint
            self.clock = clock
        }

        /// The last event that was given, or the one that the tail began after; `nil` before the first event of a tail
        /// that began at a time.
        public var last: Offset? { machine.last }
        /// How many events came again, and were dropped.
        public var repeated: Int { machine.repeated }

        /// What comes next; `nil` after ``TailUpdate/ended(_:isVerified:)``.
        ///
        /// - Throws: ``TailError`` when it gives up, `CancellationError`.
        public mutating func next() async throws -> TailUpdate? {
            do {
                while true {
                    if let way = newWay {
                        newWay = nil
                        return .way(way)
                    }
                    switch machine.next() {
                    case .tell(let update): return update
                    case .finish: return nil
                    case .fail(let error): throw error
                    case .close: close()
                    case let action: machine.take(try await carryOut(action))
                    }
                }
            } catch {
                close()
                throw error
            }
        }

        /// Hangs up. The caller that asks for the next update then gets a new connection.
        public mutating func close() {
            connection?.close()
            connection = nil
        }

        private mutating func carryOut(
            _ action: ResumingTailStateMachine.Action
        ) async throws -> ResumingTailStateMachine.Input {
            do {
                let input = try await attempt(action)
                // What a cancelled read brings is not the server's word.
                try Task.checkCancellation()
                return input
            } catch let failure as TailFailure {
                try Task.checkCancellation()
                return .failed(failure)
            }
        }

        private mutating func attempt(
            _ action: ResumingTailStateMachine.Action
        ) async throws -> ResumingTailStateMachine.Input {
            switch action {
            case .locate(let start, let incarnation):
                switch try await endpoint.locate(start, incarnation) {
                case .stream(let url, let incarnation): return .located(url, in: incarnation)
                case .download(let connection, let incarnation):
                    self.connection = connection
                    return .downloading(in: incarnation)
                }
            case .open(let url, let start, let incarnation):
                let opened = try await endpoint.open(url, start, incarnation)
                if opened.way != way { newWay = opened.way }
                way = opened.way
                connection = opened
                return .connected
            case .read:
                guard let reading = try await connection?.next() else {
                    return .read(.lost("the connection was closed here"))
                }
                return .read(reading)
            case .askState(let incarnation):
                return .state(try await endpoint.state(incarnation))
            case .wait(let delay):
                if delay > .zero { try await clock.sleep(for: delay) }
                return .waited
            case .tell, .close, .finish, .fail:
                preconditionFailure("\(action) needs no answer")
            }
        }
    }
}
