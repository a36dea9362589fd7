/// Where the record of a connection is.
public struct ConnectionPlace: Hashable, Sendable {
    public let id: ConnectionID
    public let execution: ExecutionID

    public init(id: ConnectionID, execution: ExecutionID) {
        self.id = id
        self.execution = execution
    }
}
