import CSpawn
import Everyline
import Glibc
import SystemPackage

/// What a command's standard streams are, and our ends of those that it writes to.
struct CommandStreams {
    struct Output {
        let reader: OutputReader
        /// Which of its streams it is, where that is told apart.
        let stream: LogLine.Stream?
        /// Where it goes besides.
        let copy: OutputCopy?
        let isTerminal: Bool
    }

    let outputs: [Output]
    /// The command's own terminal.
    let terminal: CommandTerminal?
    /// Our end of its standard input, in the background, where something is to be written to it.
    let writer: InputWriter?
    /// What its standard input is: `nil` for nothing.
    let input: FileDescriptor?
    let output: FileDescriptor
    let error: FileDescriptor
    private let commandsEnds: [FileDescriptor]

    /// In the background a terminal is all three of them. In the foreground it is those that are the user's terminal:
    /// the others stay what they are, or become a pipe.
    ///
    /// - Throws: `Errno`.
    init(_ request: RunRequest, _ foreground: Runner.Foreground?) throws {
        if let user = foreground?.terminal {
            terminal = try CommandTerminal(size: user.size, settings: user.settings)
        } else {
            terminal = try request.terminal.map { try CommandTerminal(size: $0) }
        }
        guard let terminal else {
            // One pipe keeps the order of what the command writes to its two streams; two can't. But each goes where it
            // went without us.
            let isSplit = request.streams == .split
            let isApart = isSplit || foreground.map { !$0.output.goes(where: $0.error) } == true
            let pipe = try OutputPipe(foreground?.output)
            let errorPipe = isApart ? try OutputPipe(foreground?.error) : nil
            outputs =
                [Output(pipe, isSplit ? .stdout : nil, foreground?.output)]
                + (errorPipe.map { [Output($0, isSplit ? .stderr : nil, foreground?.error)] } ?? [])
            let inputPipe = request.input == true && foreground == nil ? try FileDescriptor.closeOnExecPipe() : nil
            writer = try inputPipe.map { try InputWriter(pipe: $0.writeEnd) }
            input = inputPipe?.readEnd ?? foreground?.input
            (output, error) = (pipe.writeEnd, (errorPipe ?? pipe).writeEnd)
            commandsEnds = [pipe.writeEnd] + [errorPipe?.writeEnd, inputPipe?.readEnd].compactMap(\.self)
            return
        }
        writer = request.input == true && foreground == nil ? try InputWriter(terminal: terminal) : nil
        let screen = Output(
            reader: try OutputReader(terminal), stream: nil, copy: foreground?.output, isTerminal: true)
        let (side, isError) = (terminal.side, foreground == nil || isatty(STDERR_FILENO) == 1)
        let errorPipe = isError ? nil : try OutputPipe(foreground?.error)
        outputs = [screen] + (errorPipe.map { [Output($0, nil, foreground?.error)] } ?? [])
        input = foreground.map { isatty($0.input.rawValue) == 1 ? side : $0.input } ?? side
        (output, error) = (side, errorPipe?.writeEnd ?? side)
        commandsEnds = [side] + (errorPipe.map { [$0.writeEnd] } ?? [])
    }

    func closeCommandsEnds() throws {
        for end in commandsEnds { try end.close() }
    }

    /// A pipe for a command's output, with the reader at its end.
    fileprivate struct OutputPipe {
        let reader: OutputReader
        let writeEnd: FileDescriptor

        /// - Parameter copy: where the output goes besides.
        init(_ copy: OutputCopy?) throws {
            let ends = try FileDescriptor.closeOnExecPipe()
            ends.writeEnd.widenPipe()
            writeEnd = ends.writeEnd
            reader = try OutputReader(pipe: ends.readEnd, copy: copy)
        }
    }
}

extension CommandStreams.Output {
    fileprivate init(_ pipe: CommandStreams.OutputPipe, _ stream: LogLine.Stream?, _ copy: OutputCopy?) {
        self.init(reader: pipe.reader, stream: stream, copy: copy, isTerminal: false)
    }
}
