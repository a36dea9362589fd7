import ArgumentParser
import EverylineAWS

#if canImport(Glibc)
    import Glibc
#endif

/// What the person at the command line is told, and asked.
enum Terminal {
    /// A line of progress, at once.
    @Sendable static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Says on standard error what went wrong.
    ///
    /// - Returns: what to throw, so that the program ends with 1.
    static func failure(_ reason: some CustomStringConvertible) -> ExitCode {
        let line = Array("everyline-aws: \(reason)\n".utf8)
        // A reader that is gone is told nothing.
        _ = write(STDERR_FILENO, line, line.count)
        return ExitCode(1)
    }

    /// Does something with an account; what AWS or the deployment has against it is said, and the program ends with 1.
    static func run(_ account: AccountOptions, _ body: (AWSClient) async throws -> Void) async throws {
        do {
            try await account.withClient(body)
        } catch let error as DeploymentError {
            throw failure(error)
        } catch let error as AWSError {
            throw failure(error)
        }
    }

    /// Has a name typed; anything else, and an end of input, is a no.
    static func confirms(by name: String) -> Bool {
        say("Type \(name) to delete it:")
        return readLine() == name
    }
}
