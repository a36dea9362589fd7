import Everyline
import EverylineProducer
import NIOCore

/// One life of a producer's process, put together as `everyline runner`, `exec` and `recover` are: a real spool,
/// recorder, uplink and session, over a simulated disk, command and server.
final class ProducerLife {
    /// What the process is to do.
    enum Work {
        /// Record the command, and deliver.
        case record(streams: Int)
        /// Deliver what an earlier process left, and the `end` that it owes.
        case conclude
    }

    struct Settings {
        var limits = Spool.Limits()
        var lineLimit: ByteCount = .kibibytes(4)
        var policy = RetryPolicy(longest: .seconds(5))
        var seed: UInt64 = 0
        var mutation: Mutation?
        /// In which the log was begun.
        var incarnation: Incarnation?
    }

    let number: Int
    let isSuccessor: Bool
    let board: ProducerBoard
    let mount: SimulatedDisk.Mount
    private let task: Task<Void, Never>

    init(
        number: Int, _ work: Work, on disk: SimulatedDisk, _ settings: Settings, at now: Int64,
        executor: ManualExecutor
    ) {
        let (board, mount) = (ProducerBoard(), disk.mounted())
        board.advance(to: now)
        self.number = number
        if case .conclude = work { isSuccessor = true } else { isSuccessor = false }
        (self.board, self.mount) = (board, mount)
        let process = Process(board: board, mount: mount, settings: settings, work: work)
        task = Task(executorPreference: executor) { await process.run() }
    }

    /// The process dies: its disk takes nothing more of it, and its answers reach no task.
    func kill(_ executor: ManualExecutor) {
        mount.unmount()
        board.markDead()
        task.cancel()
        executor.run()
    }
}

private struct Process: Sendable {
    let board: ProducerBoard
    let mount: SimulatedDisk.Mount
    let settings: ProducerLife.Settings
    let work: ProducerLife.Work

    func run() async {
        do {
            let spool = try Spool(on: mount, limits: settings.limits)
            board.say(.opened(spool))
            board.say(.finished(try await produce(spool)))
        } catch {
            board.say(.failed("\(error)"))
        }
    }

    private func produce(_ spool: Spool) async throws -> Uplink.Conclusion {
        let (board, clock, stop) = (board, SimulatedClock(board: board), StopSignal())
        if case .record = work, let incarnation = settings.incarnation { spool.begin(in: incarnation) }
        let recorder = Recorder(spool: spool, lineLimit: settings.lineLimit, now: { board.time })
        let isFirst = if case .record = work { true } else { false }
        let uplink = Uplink(
            spool: spool, endpoint: endpoint, policy: settings.policy, clock: clock, isFirst: isFirst,
            seed: settings.seed,
            now: { board.time }, stopRequested: { stop.stop(.requested) }, willRetry: { _ in })
        switch work {
        case .record(let streams):
            return try await ProducerSession(uplink, recorder: recorder, stop: stop).run {
                try await record(recorder, streams: streams, stop, clock)
            }.conclusion
        case .conclude:
            guard settings.mutation == .silentLoss, spool.end == nil else {
                return try await uplink.runForLostProcess()
            }
            recorder.end(ExecutionOutcome(status: .failed, exitCode: nil))
            return try await uplink.run()
        }
    }

    /// As `Runner`: the output to its end, then the command's outcome.
    private func record(
        _ recorder: Recorder, streams: Int, _ stop: StopSignal, _ clock: SimulatedClock
    ) async throws {
        let clock: any Clock<Duration> = settings.mutation == .waitForRoom ? ImpatientClock(clock) : clock
        let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { if let reason = await stop.wait() { board.say(.stop(reason)) } }
            defer { group.cancelAll() }
            try await withThrowingTaskGroup(of: Void.self) { pumps in
                for stream in 0..<streams {
                    let name: LogLine.Stream? = streams == 1 ? nil : stream == 0 ? .stdout : .stderr
                    let source = CommandOutput(board: board, stream: stream)
                    let pump = OutputPump(from: source, of: name, to: recorder, clock: clock)
                    pumps.addTask { try await pump.run() }
                }
                try await pumps.waitForAll()
            }
            guard case .exited(let outcome) = try await board.wait(for: .exit) else { throw CancellationError() }
            return outcome
        }
        recorder.end(outcome)
    }

    private var endpoint: ProducerEndpoint {
        ProducerEndpoint(
            append: { [board, settings] events, head, incarnation in
                // One of the mutations: the shift that the restore made is forgotten.
                let isShifted = settings.mutation == .shift && incarnation != settings.incarnation && head > .zero
                let place = isShifted ? Offset(head.rawValue - 1) : head
                let wait = ProducerBoard.Wait.append(events, after: place, in: incarnation)
                guard case .appended(let answer) = try await board.wait(for: wait) else {
                    throw CancellationError()
                }
                return answer
            },
            setPending: { [board] in _ = try await board.wait(for: .pending($0, in: $1)) },
            mustStop: { [board] in
                guard case .mustStop(let answer, let incarnation) = try await board.wait(for: .control) else {
                    throw CancellationError()
                }
                return ProducerEndpoint.StopResponse(isRequested: answer, incarnation: incarnation)
            })
    }
}

private struct CommandOutput: OutputSource {
    let board: ProducerBoard
    let stream: Int

    func read() async throws -> ByteBuffer {
        guard case .output(let bytes) = try await board.wait(for: .output(stream: stream)) else {
            throw CancellationError()
        }
        return bytes
    }
}
