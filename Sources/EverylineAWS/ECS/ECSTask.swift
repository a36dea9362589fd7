package import Everyline

/// A task as ECS describes it, in its answers and in its events.
package struct ECSTask: Sendable, Equatable, Decodable {
    package let taskArn: String
    package let clusterArn: String?
    package let lastStatus: String?
    package let desiredStatus: String?
    package let startedBy: String?
    /// Why it stopped, as a word: `EssentialContainerExited`, `UserInitiated`, `TaskFailedToStart`, …
    package let stopCode: String?
    /// Why it stopped, as a sentence.
    package let stoppedReason: String?
    package let stoppedAt: Moment?
    package let containers: [Container]?

    package struct Container: Sendable, Equatable, Decodable {
        package let name: String?
        package let lastStatus: String?
        /// 128 + n for one that signal n ended; `nil` where it never ran.
        package let exitCode: Int32?
        package let reason: String?
    }

    /// A time, which answers have in seconds since the epoch, and events as text.
    package struct Moment: Sendable, Equatable, Decodable {
        package let time: Timestamp?

        package init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let seconds = try? value.decode(Double.self) {
                time = Int64(exactly: (seconds * 1000).rounded()).map { Timestamp(milliseconds: $0) }
            } else {
                time = Timestamp(rfc3339: try value.decode(String.self))
            }
        }
    }

    /// The last part of its ARN: what its log streams are named after.
    package var id: String { Self.id(ofARN: taskArn) }

    package static func id(ofARN arn: String) -> String { String(arn.split(separator: "/").last ?? Substring(arn)) }
}
