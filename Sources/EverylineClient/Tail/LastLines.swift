package import Everyline

/// Finds where the last lines of a log begin, in a part of the log that reaches to its end. A line that was cut into
/// parts is one; notices and the end are none.
package struct LastLines: Sendable {
    private let count: Int
    /// Where the last lines begin: a ring, once there are enough of them.
    private var starts: [Offset] = []
    private var lines = 0
    /// Whether the next event of output begins a line: nothing is known of the line that the part begins in.
    private var isBetweenLines: Bool

    /// - Parameter isWhole: whether the part begins with the log's first event.
    /// - Precondition: `count` is positive.
    package init(_ count: Int, isWhole: Bool) {
        precondition(count > 0, "the last \(count) lines")
        self.count = count
        isBetweenLines = isWhole
    }

    /// Takes the next events of the part.
    ///
    /// - Throws: `LogEventDecodingError` for a line that is no event.
    package mutating func take(_ block: ReceivedBlock) throws {
        for event in try block.events() {
            switch event.content {
            case .line(let line):
                if isBetweenLines { note(event.offset) }
                isBetweenLines = !line.isPartial
            case .end: isBetweenLines = true
            case .notice: break
            }
        }
    }

    /// The event that the lines follow; `nil` if the part holds fewer.
    package var start: Offset? {
        guard lines >= count else { return nil }
        return Offset(starts[lines % count].rawValue - 1)
    }

    private mutating func note(_ offset: Offset) {
        if lines < count { starts.append(offset) } else { starts[lines % count] = offset }
        lines += 1
    }
}
