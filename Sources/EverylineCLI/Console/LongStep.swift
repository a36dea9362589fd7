import Everyline
import EverylineSQLite
import Glibc
import Synchronization
import UnixSignals

/// Says on standard error how far a long step is, every two seconds; nothing, if it takes no longer.
final class LongStep: Sendable {
    private let verb: String
    private let next = Mutex(ContinuousClock.now + .seconds(2))

    init(_ verb: String) { self.verb = verb }

    func show(_ done: ByteCount, of total: ByteCount) { say("\(verb) \(done >> 20) of \(total >> 20) MiB") }

    func say(_ text: String) {
        let isDue = next.withLock { next in
            guard ContinuousClock.now >= next else { return false }
            next = .now + .seconds(2)
            return true
        }
        if isDue { Console.say(text) }
    }

    /// Copies a database and then checks the copy; what isn't finished is discarded.
    static func copy(
        elseDiscarding discard: @escaping @Sendable () -> Void,
        _ copy:
            @escaping @Sendable (_ progress: @escaping @Sendable (ByteCount, ByteCount) -> Void) async throws -> Void,
        thenChecking check: @escaping @Sendable () async throws -> IntegrityCheck.Report
    ) async throws -> IntegrityCheck.Report {
        let progress = LongStep("copied")
        return try await run(elseDiscarding: discard) {
            try await copy { progress.show($0, of: $1) }
            progress.say("checking the copy")
            return try await check()
        }
    }

    /// Runs `body`. What isn't finished is discarded, if it throws, or if a signal ends this process.
    static func run<Value: Sendable>(
        elseDiscarding discard: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Before anything is begun, or a signal might end this process and leave it.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await signal in signals {
                    discard()
                    Glibc.exit(128 + signal.rawValue)
                }
                return nil
            }
            group.addTask {
                do {
                    return try await body()
                } catch {
                    discard()
                    throw error
                }
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }
}
