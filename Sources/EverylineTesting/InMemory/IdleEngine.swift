package import Everyline

/// An engine that starts nothing and takes everything.
package struct IdleEngine: CommandEngine {
    package init() {}

    package var platform: Platform { .embedded }
    package var restart: Duration? { nil }
    package func check(_ request: RunRequest) async throws {}
    package func start(_ launch: LaunchRequest) async throws {}
    package func stop(_ execution: Execution) async throws {}
    package func inspect(_ execution: ExecutionID) async throws -> CommandState { .unknown }
}
