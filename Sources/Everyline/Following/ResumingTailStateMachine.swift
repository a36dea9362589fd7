import NIOCore

/// Decides what a resuming tail does next. It knows no connection and no clock: it says what to do, and is told what
/// came of it.
///
///     locate ──► open ──► read ⟲ ──(end event)──► finish
///       ▲         │         │
///       └── wait ◄┴─────────┴── closed as complete, without the end event: ask how the execution stands
///
/// The only way to ``Action/finish`` is past an `end` event that every event from the start leads up to, or past the
/// server's word that the start lies behind the end.
package struct ResumingTailStateMachine {
    package enum Action: Equatable {
        case tell(TailUpdate)
        case locate(StreamStart, knowing: Incarnation? = nil)
        case open(String, StreamStart, knowing: Incarnation? = nil)
        case read
        case askState(knowing: Incarnation? = nil)
        case close
        case wait(Duration)
        case finish
        case fail(TailError)
    }

    package enum Input: Equatable {
        case located(String, in: Incarnation? = nil)
        /// A stream is open.
        case connected
        /// A download has begun.
        case downloading(in: Incarnation?)
        case read(TailReading)
        case state(TailState)
        case failed(TailFailure)
        case waited
    }

    private enum State {
        case locating
        case opening(String)
        case reading
        case asking
        case waiting(Duration)
        case ended
        case failed(TailError)
    }

    private let start: StreamStart
    private let options: ResumptionOptions
    private var generator: SeededGenerator
    private var check: StreamCheck
    private var state: State
    /// What is to be done before the state is looked at.
    private var pending: [Action] = []
    /// Where the stream is; it stays good until its token is refused.
    private var location: String?
    /// Of what is known; `nil` while no server has named any.
    package private(set) var incarnation: Incarnation?
    /// Whether what is read is a download, which is known to be whole when it is closed in order. A stream may have
    /// lost messages that were on their way.
    private var isDownload = false
    /// Whether any connection has ever stood.
    private var hasConnected = false
    /// The last event that was known when the connection began to stand.
    private var connectedAfter: Offset?
    /// Whether the caller was told of a lost connection, and must be told once one stands and has said anything: the
    /// first message may be that the server's data were restored.
    private var isLost = false
    /// Failures in a row: until anything valid comes.
    private var failures = 0
    /// Broken promises in a row: until an event comes.
    private var faults = 0
    /// Whether a refused token was answered with a new one, and nothing has come since.
    private var hasRelocated = false
    /// Whether the last heartbeat spoke of events that have not come.
    private var isBehind = false

    /// - Parameters:
    ///   - location: a stream's URL that is known already.
    ///   - incarnation: of the answer in which the location was.
    package init(
        from start: StreamStart, at location: String? = nil, in incarnation: Incarnation? = nil,
        options: ResumptionOptions,
        seed: UInt64
    ) {
        self.incarnation = incarnation
        self.start = start
        self.location = location
        self.options = options
        generator = SeededGenerator(seed: seed)
        check = StreamCheck(from: start)
        state = location.map(State.opening) ?? .locating
    }

    /// The last event that is known.
    package var last: Offset? { check.last }
    /// How many events came again and were dropped.
    package var repeated: Int { check.repeated }

    /// What to do now. Of the actions, `tell` and `close` need no answer by ``take(_:)``; after `finish` and `fail`
    /// there is nothing else.
    package mutating func next() -> Action {
        if !pending.isEmpty { return pending.removeFirst() }
        switch state {
        case .locating: return .locate(resumption, knowing: incarnation)
        case .opening(let url): return .open(url, resumption, knowing: incarnation)
        case .reading: return .read
        case .asking: return .askState(knowing: incarnation)
        case .waiting(let delay): return .wait(delay)
        case .ended: return .finish
        case .failed(let error): return .fail(error)
        }
    }

    /// Takes what came of the last action.
    package mutating func take(_ input: Input) {
        switch input {
        case .located(let url, let incarnation):
            self.incarnation = incarnation ?? self.incarnation
            location = url
            state = .opening(url)
        case .connected: connect()
        case .downloading(let incarnation):
            self.incarnation = incarnation ?? self.incarnation
            connect()
        case .read(.message(let message)): receive(message)
        case .read(.closed(let code, let reason)): close(code, reason)
        case .read(.partComplete): askForMore()
        case .read(.lost(let reason)):
            pending.append(.close)
            lose(reason)
        case .state(let tail): judge(tail)
        case .failed(let failure): fail(failure)
        case .waited: state = location.map(State.opening) ?? .locating
        }
    }

    /// Asks for the rest of a download, unless the part held nothing.
    private mutating func askForMore() {
        pending.append(.close)
        if check.last == connectedAfter { lose(.noEnd) } else { state = .locating }
    }

    /// Where the next connection begins.
    private var resumption: StreamStart { check.last.map(StreamStart.after) ?? start }

    private mutating func connect() {
        if case .locating = state { isDownload = true } else { isDownload = false }
        hasConnected = true
        isBehind = false
        connectedAfter = check.last
        state = .reading
    }

    private mutating func receive(_ message: ByteBuffer) {
        let finding = check.take(message)
        if isLost, finding.confirmsResumption {
            pending.append(.tell(.resumed(after: connectedAfter)))
            isLost = false
        }
        if let notice = finding.notice { pending.append(.tell(.notice(notice))) }
        if let block = finding.block {
            pending.append(.tell(.events(block)))
            failures = 0
            faults = 0
            isBehind = false
            hasRelocated = false
        }
        if let line = finding.pending, finding.fault == nil {
            // A server that can say this is there.
            failures = 0
            pending.append(.tell(.pending(line)))
        }
        if let fault = finding.fault {
            pending.append(.close)
            lose(fault)
        } else if let restoration = finding.restoration {
            restore(restoration)
        } else if let outcome = check.outcome {
            pending.append(.close)
            pending.append(.tell(.ended(outcome, isVerified: true)))
            state = .ended
        } else if let head = finding.head {
            compare(head)
        }
    }

    /// Forgets what is void, and asks for the log anew: an address is of the incarnation in which it was given.
    private mutating func restore(_ restoration: Restoration) {
        pending.append(.close)
        location = nil
        guard restoration.incarnation != incarnation else { return lose("the server contradicts itself") }
        incarnation = restoration.incarnation
        let known = check.hasReceived ? check.last : nil
        check.forget(after: restoration.base)
        pending.append(.tell(.restored(after: restoration.base, known: known)))
        lose("the server's data were restored", isImmediate: true)
    }

    /// Compares what has come with what a heartbeat says there is.
    private mutating func compare(_ head: Offset) {
        failures = 0
        hasRelocated = false
        guard let last = check.last else { return }
        if check.hasReceived && head < last {
            pending.append(.close)
            lose(.wentBack(head: head, received: last))
        } else if head > last && isBehind {
            // Twice in a row, with a whole interval of silence between: what there is doesn't come.
            pending.append(.close)
            lose("the server holds events back")
        } else {
            isBehind = head > last
        }
    }

    private mutating func close(_ code: UInt16, _ reason: String) {
        pending.append(.close)
        switch code {
        case 1000:
            state = .asking
        case 1001:
            lose(reason.isEmpty ? "the server is going away" : reason, isImmediate: true)
        case 1013:
            lose(reason.isEmpty ? "the server is overloaded" : reason, atLeast: options.overloadDelay)
        case 1008:
            state = .failed(.refused(APIError(status: 403, code: "forbidden", detail: or(reason, "Not allowed."))))
        case 4409:
            // What it is now, the logs endpoint says.
            location = nil
            lose(or(reason, "the server's data were restored"))
        case 4404:
            let detail = or(reason, "There is no execution with this id.")
            state = .failed(.refused(APIError(status: 404, code: "unknown_execution", detail: detail)))
        case 4500:
            let detail = or(reason, "The log is damaged on the server's disk.")
            state = .failed(.refused(APIError(status: 500, code: "data_damaged", detail: detail)))
        case 1002, 1003, 1007, 1009:
            lose(.malformed)
        default:
            lose(or(reason, "the connection was closed (\(code))"))
        }
    }

    /// Decides what a stream that was closed without its `end` event means.
    private mutating func judge(_ tail: TailState) {
        let isBehindTheEnd = !check.hasReceived && (check.last.map { tail.head <= $0 } ?? isDownload)
        // Of a log that has ended there is a download.
        if tail.outcome != nil { location = nil }
        if let outcome = tail.outcome, isBehindTheEnd {
            pending.append(.tell(.ended(outcome, isVerified: false)))
            state = .ended
        } else {
            lose(.noEnd)
        }
    }

    private mutating func fail(_ failure: TailFailure) {
        switch failure {
        case .refused(let error) where error.restoration != nil && error.knownCode == .otherIncarnation:
            if let restoration = error.restoration { restore(restoration) }
        case .refused(let error) where [401, 409].contains(error.status) && location != nil:
            // The stream's token has expired, fell with a restart, or is of an earlier incarnation. The API key decides
            // whether there is a new one, and the logs endpoint says what is void.
            location = nil
            state = .locating
            if hasRelocated { lose("the stream's token was refused") }
            hasRelocated = true
        case .refused(let error) where error.isTransient || (hasConnected && error.knownCode == nil):
            // What isn't Everyline's own answer is a proxy's, in front of a server that is coming back.
            lose(error.detail, atLeast: error.retryAfter ?? .zero)
        case .refused(let error):
            state = .failed(.refused(error))
        case .unreachable(let reason):
            lose(reason)
        case .unusable(let what):
            if hasConnected { lose(what) } else { state = .failed(.unusable(what)) }
        }
    }

    private mutating func lose(_ fault: StreamFault) {
        faults += 1
        if faults >= options.faultLimit || fault == .afterEnd {
            state = .failed(.unproven(fault, after: check.last))
        } else {
            lose(fault.description)
        }
    }

    private mutating func lose(_ reason: String, atLeast minimum: Duration = .zero, isImmediate: Bool = false) {
        failures += 1
        if !hasConnected && failures >= options.startAttempts {
            state = .failed(.unreachable(reason))
            return
        }
        // An address that doesn't answer may be out of date.
        if failures % 3 == 0 { location = nil }
        let backOff = options.policy.delay(afterFailures: failures, using: &generator) ?? options.policy.longest
        let delay = isImmediate && failures == 1 ? .zero : max(backOff, min(minimum, options.policy.longest))
        isLost = true
        let reconnection = Reconnection(reason: reason, after: check.last, failures: failures, delay: delay)
        pending.append(.tell(.reconnecting(reconnection)))
        state = .waiting(delay)
    }

    private func or(_ reason: String, _ other: String) -> String { reason.isEmpty ? other : reason }
}
