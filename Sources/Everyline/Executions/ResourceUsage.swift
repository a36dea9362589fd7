/// What a command took, with all that it started and waited for.
public struct ResourceUsage: Sendable, Equatable {
    /// User and system time, in milliseconds.
    public var cpuMilliseconds: Int64?
    /// The most memory that one of its processes had at once, in bytes.
    public var peakMemory: Int64?

    public init(cpuMilliseconds: Int64? = nil, peakMemory: Int64? = nil) {
        self.cpuMilliseconds = cpuMilliseconds
        self.peakMemory = peakMemory
    }

    /// The fields of an `end` event that say it. A server of an earlier release refuses an event with a field that it doesn't know,
    /// so a producer sends them only where the server has named them.
    public static let fields = [EventRecord.Field.cpu.rawValue, EventRecord.Field.peakMemory.rawValue]

    /// What of it may be told to a server that knows these fields of an `end`; `nil` if nothing.
    public func told(in fields: [String]) -> ResourceUsage? {
        var told = self
        if !fields.contains(EventRecord.Field.cpu.rawValue) { told.cpuMilliseconds = nil }
        if !fields.contains(EventRecord.Field.peakMemory.rawValue) { told.peakMemory = nil }
        return told == ResourceUsage() ? nil : told
    }
}
