import CSpawn
import EverylineProducer
import Glibc
package import NIOCore
import NIOPosix
import SystemPackage

/// The terminal at which a user types what goes to a command elsewhere. Each key is read as it comes, and isn't shown
/// here: the command's own terminal echoes it, or doesn't. Only the keys that interrupt, quit and suspend are this
/// process's.
package final class Keyboard: Sendable, OutputSource {
    private let keeper: SessionKeeper
    private let terminal: TakenTerminal
    private let threads = NIOThreadPool(numberOfThreads: 1)

    /// Whether this process's standard input is a terminal.
    package static var isThere: Bool { isatty(STDIN_FILENO) == 1 }

    /// The terminal that is this process's standard input; `nil` if that is none.
    ///
    /// - Throws: `Errno`.
    package init?() throws {
        guard Self.isThere else { return nil }
        var keeper = cspawn_keeper()
        let result = cspawn_keep_terminal(STDIN_FILENO, &keeper)
        guard result == 0 else { throw Errno(rawValue: result) }
        self.keeper = SessionKeeper(keeper)
        terminal = try TakenTerminal(.standardInput) { settings in
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
            // The return key is the command's terminal's to translate, and so are the keys that hold its output.
            settings.c_iflag &= ~tcflag_t(ICRNL | INLCR | IGNCR | IXON)
            (settings.c_cc.6, settings.c_cc.5) = (1, 0)
        }
        threads.start()
        terminal.begin(self.keeper)
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// Restores the settings before this process stops.
    package func yield() { terminal.yield() }

    /// Takes the keys again, if this process is in the foreground: it was stopped, and goes on now.
    package func resume() { terminal.resume() }

    /// Restores the settings, and lets every read end.
    package func end() {
        terminal.end()
        terminal.restore()
        keeper.end()
    }

    /// Waits for keys; empty at the end.
    package func read() async throws -> ByteBuffer {
        try await withTaskCancellationHandler {
            try await threads.runIfActive { ByteBuffer(bytes: self.terminal.read() ?? []) }
        } onCancel: {
            terminal.end()
        }
    }
}
