package import Everyline
package import NIOCore

/// Where a command's output comes from.
package protocol OutputSource: Sendable {
    /// Waits for output and returns it; empty at the end.
    func read() async throws -> ByteBuffer
}

/// Takes one stream of output from its source to the recorder, to its end, no faster than the spool has room.
package struct OutputPump: Sendable {
    private let source: any OutputSource
    private let stream: LogLine.Stream?
    private let recorder: Recorder
    private let clock: any Clock<Duration>
    private let endsAtCRLF: Bool

    /// - Parameter endsAtCRLF: whether `\r\n` is a line's end, as where a terminal writes.
    package init(
        from source: any OutputSource, of stream: LogLine.Stream?, to recorder: Recorder, clock: any Clock<Duration>,
        endsAtCRLF: Bool = false
    ) {
        self.endsAtCRLF = endsAtCRLF
        self.source = source
        self.stream = stream
        self.recorder = recorder
        self.clock = clock
    }

    /// Returns when the source has ended. While the spool has no room nothing is read, so the command waits on its full
    /// pipe.
    ///
    /// - Returns: why the source can't be read to its end; `nil` if it was. A notice in the log says it too.
    /// - Throws: `CancellationError` only.
    @discardableResult
    package func run() async throws -> (any Error)? {
        var cutter = LineCutter(limit: recorder.lineLimit, endsAtCRLF: endsAtCRLF)
        let lines = recorder.source(of: stream)
        var failure: (any Error)?
        do {
            while case let bytes = try await source.read(), bytes.readableBytes > 0 {
                recorder.record(bytes, from: lines, cutter: &cutter)
                try await recorder.spool.waitForRoom(on: clock)
            }
        } catch let error where !(error is CancellationError) {
            failure = error
        }
        recorder.finish(lines, cutter: &cutter)
        if let failure { recorder.note(.outputLost, "The output can't be read any more: \(failure).") }
        return failure
    }
}
