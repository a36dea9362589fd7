import Everyline
import EverylineClient
import NIOCore

/// Appends the numbered lines, each when it is due, and the `end`.
struct LineWriter: Sendable {
    let client: EverylineClient
    let execution: ExecutionID
    let token: Credential
    let settings: CanarySettings
    let clock: RunClock
    let progress: Progress

    /// The most that one append holds.
    private static let appendLimit = 512 * 1024
    /// The server may be away for about a minute; an append may be sent twice.
    private static let policy = RetryPolicy(first: .milliseconds(50), longest: .seconds(2), attempts: 32)

    /// Writes until all lines are written or the run is stopped.
    ///
    /// - Throws: ``APIError``, ``ClientError``, `CancellationError`.
    func write() async throws {
        let start = clock.elapsed
        var written: UInt64 = 0
        while written < settings.lines, !progress.isStopping {
            let due = due(since: start)
            guard due > written else {
                try await wait(until: written, since: start)
                continue
            }
            let last = min(due, written + UInt64(max(1, Self.appendLimit / (settings.lineBytes + 48))))
            try await append(lines(written + 1...last, since: start), after: written)
            written = last
            progress.acknowledge(head: written, lines: written)
        }
        try await append(end(isWhole: written == settings.lines), after: written)
        progress.acknowledge(head: written + 1, lines: written)
    }

    private func append(_ events: ByteBuffer, after head: UInt64) async throws {
        _ = try await Self.policy.run {
            try await client.append(events, to: execution, after: Offset(head), token: token)
        }
    }

    /// How many lines should be there by now.
    private func due(since start: UInt64) -> UInt64 {
        guard settings.rate > 0 else { return settings.lines }
        let lines = UInt64(Double(clock.elapsed - start) / 1_000_000 * Double(settings.rate)) + settings.batch
        return min(settings.lines, lines / settings.batch * settings.batch)
    }

    /// When a line is due, on the run's clock: now if there is no rate.
    private func time(of line: UInt64, since start: UInt64) -> UInt64 {
        guard settings.rate > 0 else { return clock.now }
        let turn = (line - 1) / settings.batch
        let delay = UInt64(Double(turn * settings.batch) / Double(settings.rate) * 1_000_000)
        return clock.startTime + start + delay
    }

    private func wait(until written: UInt64, since start: UInt64) async throws {
        let due = time(of: written + 1, since: start)
        // Not so long that a stop would wait.
        let delay = min(due - min(due, clock.now), 100_000)
        try await ContinuousClock().sleep(for: .microseconds(Int64(max(delay, 50))))
    }

    private func lines(_ numbers: ClosedRange<UInt64>, since start: UInt64) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: numbers.count * (settings.lineBytes + 48))
        let now = settings.rate == 0 ? clock.now : 0
        for number in numbers {
            let time = settings.rate == 0 ? now : time(of: number, since: start)
            buffer.writeString("{\"timestamp\":\(time / 1000),\"message\":\"")
            NumberedLine(number: number, time: time).write(
                to: &buffer, length: settings.lineBytes, seed: settings.seed)
            buffer.writeStaticString("\"}\n")
        }
        return buffer
    }

    private func end(isWhole: Bool) -> ByteBuffer {
        let end = isWhole ? #""status":"SUCCEEDED","exit_code":0"# : #""status":"STOPPED","reason":"stop_requested""#
        return ByteBuffer(string: "{\"timestamp\":\(clock.now / 1000),\"type\":\"end\",\(end)}\n")
    }
}
