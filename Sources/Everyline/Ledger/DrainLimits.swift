/// How long a ``Drain`` asks before it takes the source's word.
public struct DrainLimits: Sendable, Equatable {
    /// How many scans in a row must find nothing new where the runner's last line has not been seen.
    public var quietScans: Int
    /// How many where it has been seen and promises more than there is.
    public var patientScans: Int
    /// How many scans there are before the message goes back to the queue.
    public var scans: Int
    public var sequencer: SequencerLimits

    /// - Precondition: at least one scan must be quiet, and there are as many as must be.
    public init(
        quietScans: Int = 2, patientScans: Int = 6, scans: Int = 20, sequencer: SequencerLimits = SequencerLimits()
    ) {
        precondition(quietScans > 0 && patientScans >= quietScans && scans >= patientScans)
        self.quietScans = quietScans
        self.patientScans = patientScans
        self.scans = scans
        self.sequencer = sequencer
    }
}
