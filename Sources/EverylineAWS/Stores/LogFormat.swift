/// How a log is written, as `META.format` says: by which runner script, and in which items.
///
/// An update of a deployment changes its functions one after the other. So functions of both versions meet the same logs for minutes:
/// a newer one reads each older format, and an older one touches no log of a newer format. What it was to do with it comes back to
/// its queue, until its own update.
enum LogFormat {
    /// The script numbers each line (deploy/aws/runner.sh); the log is blocks behind a head, and parked runs.
    static let current: Int64 = 1
    /// Of a log that says nothing: the script didn't number its lines, each of which becomes a notice.
    static let unnumbered: Int64 = 0

    static func read(_ item: Attributes) throws -> Int64 {
        let format = try item.optionalNumber("format") ?? unnumbered
        guard format >= 0 else { throw DamagedItem(attribute: "format") }
        guard format <= current else { throw NewerFormat(format: format) }
        return format
    }
}

/// A newer Everyline writes this log.
struct NewerFormat: Error, CustomStringConvertible {
    let format: Int64

    var description: String { "the log has format \(format), and this Everyline knows none above \(LogFormat.current)" }
}
