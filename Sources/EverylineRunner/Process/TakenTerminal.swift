import CSpawn
import Glibc
import Synchronization
import SystemPackage

/// A terminal whose keys this process takes, each as it is typed: while this process is in the terminal's foreground,
/// isn't about to stop, and no other process has claimed them.
///
/// Its settings are restored before this process stops and at the end, and when this process ends in whatever way
/// (``SessionKeeper``).
final class TakenTerminal: Sendable {
    let descriptor: FileDescriptor
    /// A lock on it says which process has the keys.
    private let claim: FileDescriptor?
    private let change: @Sendable (inout termios) -> Void
    private let state = Mutex(State())
    /// Readable once there is something new to look at.
    private let wake: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    private struct State {
        var keeper: SessionKeeper?
        var onTake: @Sendable () -> Void = {}
        /// While the keys are this process's.
        var original: termios?
        /// This process is about to stop.
        var isYielded = false
        /// Whether the keeper knows that this process is in the background.
        var isAway = false
        var isOver = false
    }

    /// - Parameter change: makes of the terminal's settings those under which its keys are taken.
    /// - Throws: `Errno`.
    init(
        _ descriptor: FileDescriptor, claim: FileDescriptor? = nil, change: @escaping @Sendable (inout termios) -> Void
    ) throws {
        self.descriptor = descriptor
        self.claim = claim
        self.change = change
        wake = try FileDescriptor.closeOnExecPipe()
        for end in [wake.readEnd, wake.writeEnd] { _ = fcntl(end.rawValue, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        try? wake.readEnd.close()
        try? wake.writeEnd.close()
    }

    /// Whether keys are meant for this process: it is in the terminal's foreground. A terminal of which this session
    /// isn't the controller has no foreground that this process could see, and one that is gone has none; then the
    /// process takes the keys.
    var isInForeground: Bool {
        let group = tcgetpgrp(descriptor.rawValue)
        return group < 0 ? errno == ENOTTY || errno == EIO : group == getpgrp()
    }

    /// Whether the keys are this process's.
    var isTaken: Bool { state.withLock { $0.original != nil } }

    // MARK: From its beginning to its end

    /// Takes the keys as soon as that may be, until ``end()``.
    ///
    /// - Parameters:
    ///   - isAway: whether the keeper began in the background.
    ///   - onTake: is called each time that the keys are taken.
    func begin(_ keeper: SessionKeeper, isAway: Bool = false, onTake: @escaping @Sendable () -> Void = {}) {
        state.withLock { ($0.keeper, $0.isAway, $0.onTake) = (keeper, isAway, onTake) }
        take()
    }

    /// Lets every read end. The settings stay until ``restore()``.
    func end() {
        state.withLock { $0.isOver = true }
        announce()
    }

    /// Restores the settings before this process stops.
    func yield() {
        state.withLock { state in
            restore(&state)
            state.isYielded = true
            setAway(true, &state)
        }
    }

    /// Takes the keys again, if this process is in the foreground: it was stopped, and goes on now. It may be called
    /// more than once for that.
    func resume() {
        state.withLock { state in
            if state.isYielded {
                state.isYielded = false
                // A shell has set the terminal as it likes meanwhile.
                state.original = nil
            } else if state.original != nil, isInForeground {
                // It was stopped without a chance to restore anything. What was found in the beginning is still what is
                // to be restored.
                var settings = termios()
                guard tcgetattr(descriptor.rawValue, &settings) == 0 else { return }
                change(&settings)
                tcsetattr(descriptor.rawValue, TCSANOW, &settings)
            }
        }
        take()
        announce()
    }

    /// Restores the settings, and lets others have the keys.
    func restore() { state.withLock { restore(&$0) } }

    /// Puts keys in again that no program has read, in front of what was typed since and without showing them another
    /// time, if the kernel lets a process do so; then restores the settings.
    func restore(givingBack keys: [UInt8]) {
        state.withLock { state in
            if var settings = state.original, isInForeground, !keys.isEmpty {
                let all = keys + (isReady() ? readKeys() : [])
                settings.c_lflag &= ~tcflag_t(ECHO | ECHONL | ISIG)
                tcsetattr(descriptor.rawValue, TCSANOW, &settings)
                for var key in all where ioctl(descriptor.rawValue, UInt(TIOCSTI), &key) != 0 { break }
            }
            restore(&state)
        }
    }

    private func restore(_ state: inout State) {
        guard var original = state.original else { return }
        state.original = nil
        if isInForeground { tcsetattr(descriptor.rawValue, TCSANOW, &original) }
        state.keeper?.note(.restored)
        if let claim { flock(claim.rawValue, LOCK_UN) }
    }

    /// Takes the keys if that may be now.
    ///
    /// - Returns: whether they are this process's; `nil` before the beginning and from the end on.
    @discardableResult
    func take() -> Bool? {
        state.withLock { state in
            guard let keeper = state.keeper, !state.isOver else { return nil }
            let isHere = !state.isYielded && isInForeground
            defer { setAway(!isHere, &state) }
            guard isHere, isClaimed else { return false }
            guard state.original == nil else { return true }
            var settings = termios()
            // Where the terminal is gone, reading says so.
            guard tcgetattr(descriptor.rawValue, &settings) == 0 else { return errno == EIO }
            state.original = settings
            keeper.note(.changed)
            change(&settings)
            tcsetattr(descriptor.rawValue, TCSANOW, &settings)
            state.onTake()
            return true
        }
    }

    private func setAway(_ isAway: Bool, _ state: inout State) {
        guard state.isAway != isAway else { return }
        state.isAway = isAway
        state.keeper?.note(isAway ? .inBackground : .inForeground)
    }

    private var isClaimed: Bool {
        guard let claim else { return true }
        return flock(claim.rawValue, LOCK_EX | LOCK_NB) == 0
    }

    // MARK: Reading

    /// Waits for keys, on a thread that this blocks.
    ///
    /// - Returns: `nil` once it is over; nothing if the terminal is gone.
    func read() -> [UInt8]? {
        // What the background may not do fails then, and doesn't stop this process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTTIN)
        sigaddset(&signals, SIGTTOU)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while let mayRead = take() {
            // Nothing tells a process that a shell has brought it to the foreground while it was running.
            let events = wait(for: mayRead ? descriptor : nil, POLLIN, atMost: mayRead ? -1 : 200)
            guard events != 0 else { continue }
            let keys = readKeys()
            // The background gets an error.
            if !keys.isEmpty || events & (POLLHUP | POLLERR) != 0 { return keys }
        }
        return nil
    }

    /// Writes what was read to another terminal, as fast as that takes it, until it is over.
    ///
    /// - Returns: the rest.
    func write(_ keys: [UInt8], to target: FileDescriptor) -> [UInt8] {
        var rest = keys[...]
        while !rest.isEmpty, !state.withLock(\.isOver) {
            let count = rest.withUnsafeBytes { Glibc.write(target.rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                _ = wait(for: target, POLLOUT, atMost: -1)
            } else if errno != EINTR {
                break
            }
        }
        return Array(rest)
    }

    private func readKeys() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, Glibc.read(descriptor.rawValue, buffer.baseAddress, buffer.count))
        }
    }

    private func isReady() -> Bool {
        var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Waits until a descriptor is ready, or there is something new to look at.
    ///
    /// - Returns: what the descriptor is ready for.
    private func wait(for descriptor: FileDescriptor?, _ events: Int32, atMost milliseconds: Int32) -> Int32 {
        var entries = [
            pollfd(fd: wake.readEnd.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor?.rawValue ?? -1, events: Int16(events), revents: 0),
        ]
        guard poll(&entries, 2, milliseconds) > 0 else { return 0 }
        if entries[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            _ = Glibc.read(wake.readEnd.rawValue, &bytes, bytes.count)
        }
        return Int32(entries[1].revents)
    }

    private func announce() { _ = try? wake.writeEnd.writeAll([0]) }
}
