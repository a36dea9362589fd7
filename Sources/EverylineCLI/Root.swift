import ArgumentParser
import Everyline
import EverylineClient
import EverylineRunner
import Glibc
import SystemPackage

/// The command line. Data goes to standard output, everything else to standard error.
@main struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "everyline",
        abstract: "Run commands and follow their output: every line, once, in order, from any point.",
        discussion: """
            Start with `everyline serve`; then, in another terminal, `everyline run -- make test`.

            Clients find the server by --url, EVERYLINE_URL, or `url` in $XDG_CONFIG_HOME/everyline/config.yaml, and the \
            API key by --api-key-file, EVERYLINE_API_KEY, or `api_key` in that file.

            Exit codes: that of the command where one is run or followed; 124 if its time limit passed; 125 if Everyline \
            itself failed, or could not prove that it saw everything; 64 for wrong usage.
            """,
        version: ReleaseVersion.current,
        subcommands: [
            Serve.self, Run.self, Exec.self, Pipe.self, Recover.self, Logs.self, List.self, Status.self, Stop.self,
            Keys.self, BackupCommand.self, RestoreCommand.self, Compact.self, Doctor.self, CanaryCommand.self,
            Completions.self, RunnerProcess.self,
        ])

    /// Whatever goes wrong on our side, apart from wrong usage.
    static let failure = ExitCode(125)

    static func main() async {
        // A reader that hangs up is seen where it is written to.
        signal(SIGPIPE, SIG_IGN)
        OwnProcess.letQuit()
        do {
            var command = try parseAsRoot(ProcessArguments.parsed)
            try OpenFiles.ensure()
            try Threads.ensure()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch Errno.brokenPipe {
            Glibc.exit(128 + SIGPIPE)
        } catch  where exitCode(for: error) == .failure {
            // Not one of the parser's: those have other codes.
            Console.say(sentence(of: error))
            Glibc.exit(failure.rawValue)
        } catch  where exitCode(for: error).isSuccess {
            exit(withError: error)
        } catch {
            Console.complain(fullMessage(for: error).showing(CommandLine.arguments))
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }

    private static func sentence(of error: any Error) -> String {
        switch error {
        case let error as APIError where error.status == 401:
            "\(error). Say which key to use: EVERYLINE_API_KEY, --api-key-file, or api_key in config.yaml."
        default: "\(error)"
        }
    }
}

extension String {
    /// The text with what was typed, where it stands there, written so that it steers no terminal and forges no line.
    fileprivate func showing(_ words: [String]) -> String {
        var text = self
        for word in words {
            for part in [word[...], word.drop { $0 != "=" }.dropFirst()] where part != part.description.visible()[...] {
                text = text.replacing(part, with: part.description.visible())
            }
        }
        return text.visible(keepingNewlines: true)
    }
}
