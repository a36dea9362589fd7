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
    package let containers: [Container]?

    package struct Container: Sendable, Equatable, Decodable {
        package let name: String?
        package let lastStatus: String?
        /// 128 + n for one that signal n ended; `nil` where it never ran.
        package let exitCode: Int32?
        package let reason: String?
    }

    /// The last part of its ARN: what its log streams are named after.
    package var id: String { String(taskArn.split(separator: "/").last ?? Substring(taskArn)) }
}
