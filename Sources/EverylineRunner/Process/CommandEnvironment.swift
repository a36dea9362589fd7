package import Everyline

/// What a command finds in its environment.
package enum CommandEnvironment {
    /// Ours without Everyline's own settings, among which are secrets; what the request adds; and the execution's id as
    /// `EVERYLINE_EXECUTION_ID`.
    package static func make(
        from environment: [String: String], _ request: RunRequest, execution: ExecutionID
    ) -> [String: String] {
        var made = environment.filter { !$0.key.hasPrefix("EVERYLINE_") }
        made.merge(request.env ?? [:]) { _, requested in requested }
        made["EVERYLINE_EXECUTION_ID"] = execution.rawValue
        return made
    }
}
