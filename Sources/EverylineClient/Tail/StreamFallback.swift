import Everyline
import EverylineWebSocket
import NIOCore
import Synchronization

/// Opens a tail's connections by the best way that works: WebSocket; where something between here and the server lets
/// none through, server-sent events; where that holds a response back, blocks. What works is tried first the next time.
final class StreamFallback: Sendable {
    private let client: EverylineClient
    private let execution: ExecutionID
    private let options: ResumingTail.Options
    private let state = Mutex(State())

    private struct State {
        var way = StreamWay.webSocket
        /// Openings by WebSocket that failed, in a row.
        var failures = 0
        /// Streams by WebSocket that were opened, and through which nothing came, in a row.
        var mutes = 0
        /// Whether server-sent events have come through to here.
        var hasHeardEvents = false
        /// Openings by server-sent events that failed where blocks then worked, in a row.
        var suspicions = 0
    }

    init(_ client: EverylineClient, of execution: ExecutionID, options: ResumingTail.Options) {
        self.client = client
        self.execution = execution
        self.options = options
    }

    /// - Parameter webSocket: opens the stream by WebSocket.
    /// - Throws: ``TailFailure``, `CancellationError`.
    func open(
        _ url: String, from start: StreamStart, knowing incarnation: Incarnation?,
        webSocket: () async throws -> any TailConnection & Sendable
    ) async throws -> any TailConnection {
        if state.withLock({ $0.way }) == .webSocket {
            do {
                return QuietStream(try await webSocket()) { [weak self] hasHeard in
                    self?.state.withLock { state in
                        guard !hasHeard else { return state = State() }
                        state.mutes += 1
                        if state.mutes > 1 { state.way = .serverSentEvents }
                    }
                }
            } catch let failure as TailFailure {
                let failures = state.withLock { state in
                    state.failures += 1
                    return state.failures
                }
                guard failure.maySpareOtherWays || failures > 1 else { throw failure }
                return try await openOther(url, from: start, knowing: incarnation, insteadOf: failure)
            }
        }
        return try await openOther(url, from: start, knowing: incarnation, insteadOf: nil)
    }

    /// - Parameter failure: of the WebSocket; what is thrown if no other way works either.
    private func openOther(
        _ url: String, from start: StreamStart, knowing incarnation: Incarnation?, insteadOf failure: TailFailure?
    ) async throws -> any TailConnection {
        do {
            var eventsFailure: TailFailure?
            if state.withLock({ $0.way }) != .blocks {
                do {
                    return try await openEvents(url, from: start)
                } catch let failure as TailFailure where !failure.isOwn {
                    eventsFailure = failure
                }
            }
            let connection = BlocksTailConnection(client, of: execution, from: start, knowing: incarnation)
            try await connection.probe()
            let isSure = state.withLock { state in
                state.suspicions += 1
                // A server that is being started may answer the second request and not the first.
                guard !state.hasHeardEvents || state.suspicions > 1 else { return false }
                state.way = .blocks
                return true
            }
            if !isSure, let eventsFailure { throw eventsFailure }
            return connection
        } catch let other as TailFailure {
            throw failure ?? other
        }
    }

    private func openEvents(_ url: String, from start: StreamStart) async throws -> any TailConnection {
        let response = try await client.failing {
            try await client.openEvents(of: execution, at: url, from: start)
        }
        state.withLock { if $0.way == .webSocket { $0.way = .serverSentEvents } }
        return EventsTailConnection(response) { [weak self] hasHeard in
            self?.state.withLock { state in
                if hasHeard {
                    (state.hasHeardEvents, state.suspicions) = (true, 0)
                } else if !state.hasHeardEvents {
                    // It was opened, and nothing came through: something gathers the response.
                    state.way = .blocks
                }
            }
        }
    }
}

extension TailFailure {
    /// Whether the server itself refuses.
    fileprivate var isOwn: Bool {
        if case .refused(let error) = self { error.knownCode != nil } else { false }
    }

    /// Whether it may be the way that fails, and not the server that refuses.
    fileprivate var maySpareOtherWays: Bool {
        switch self {
        case .refused(let error): error.knownCode == nil || error.knownCode == .upgradeRequired
        case .unusable: true
        case .unreachable: false
        }
    }
}

/// A stream by WebSocket through which nothing may come although it was opened: some proxies agree to the upgrade and
/// pass no frame on. A server speaks first: a stream that goes on begins with events or a heartbeat.
private struct QuietStream: TailConnection {
    /// How long the first message may take.
    private static let patience: Duration = .seconds(10)

    private var stream: any TailConnection & Sendable
    private var hasHeard = false
    private let report: (_ hasHeard: Bool) -> Void

    /// - Parameter report: is called once something has come, or if the stream is lost before.
    init(_ stream: any TailConnection & Sendable, report: @escaping (_ hasHeard: Bool) -> Void) {
        self.stream = stream
        self.report = report
    }

    mutating func next() async throws -> TailReading {
        guard !hasHeard else { return try await stream.next() }
        let reading = try await first()
        if case .lost = reading {
            report(false)
        } else {
            hasHeard = true
            report(true)
        }
        return reading
    }

    private func first() async throws -> TailReading {
        try await withThrowingTaskGroup(of: TailReading.self) { group in
            group.addTask { [stream] in
                var stream = stream
                return try await stream.next()
            }
            group.addTask {
                try await ContinuousClock().sleep(for: Self.patience)
                return .lost("nothing comes through")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? .lost("nothing comes through")
        }
    }

    func close() { stream.close() }
}
