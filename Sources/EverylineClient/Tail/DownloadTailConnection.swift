import Everyline
import NIOCore

/// A log that has ended, as a tail reads it: the body of a download, cut into whole lines.
struct DownloadTailConnection: TailConnection {
    private var download: LogDownload.Iterator
    private var lines: LineAssembler
    private let goesOn: Bool
    private var isComplete = false

    init(_ download: LogDownload) {
        goesOn = download.nextAfter != nil
        self.download = download.makeAsyncIterator()
        lines = LineAssembler(limit: .mebibytes(16))
    }

    mutating func next() async throws -> TailReading {
        do {
            while !isComplete {
                guard let bytes = try await download.next() else {
                    isComplete = true
                    if lines.isWithinLine { return .lost("the log was cut within a line") }
                    break
                }
                guard let whole = lines.add(bytes) else {
                    guard lines.isWithinLimit else { return .closed(code: 1009, reason: "") }
                    continue
                }
                return .message(whole)
            }
            return goesOn ? .partComplete : .closed(code: 1000, reason: "")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return .lost("\(error)")
        }
    }

    /// The body's connection is closed when its reader is let go of.
    func close() {}
}
