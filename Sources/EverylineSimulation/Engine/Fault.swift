/// What can go wrong in a simulated world. Each kind is counted.
package enum Fault: Int, CaseIterable, Sendable {
    // Processes and their steps.
    case crashBeforeEffect
    case crashAfterEffect
    case stepFailed
    case unknownOutcome
    case conflict
    case clockForward
    case clockBackward
    // Queues.
    case zombie
    case redelivered
    case partialBatch
    case deadLetter
    case lostNotification
    case doubledNotification
    // The platform's log and its subscription.
    case lateBatch
    case lostBatch
    case doubledBatch
    case reorderedBatch
    case lateInSource
    case scriptKilled
    case endBeforeLines
    case doubledStop
    case lostStop
    // Connections and viewers.
    case leaseExpired
    case acceptedAndLost
    case throttled
    case partialPost
    case notYetConnected
    case connectionCut
    case silentDisconnect
    case connectionIDReused
    case lateResumption
    case lostMessage
    /// Something on the way holds messages back, and gives several as one.
    case joinedMessages
    case slowViewer
    case stalledViewer
    case viewerRestarted
    case recordExpired
    case refusedRequest
    // The embedded form.
    case serverKilled
    case serverStopped
    case commitFailed
    case commitUnknown
    case appendRetried
    case appendTooEarly
    case appendRace
    case answerLost
    case readFailed
    case logFull
    case serverFull
    // Producers, their machines and their way to the server.
    case producerKilled
    case powerLost
    case diskFull
    case noInodes
    case diskAway
    case diskUnreadable
    case shortWrite
    case spoolLimit
    case stopRequested
    case foreignAnswer
    /// An answer that says nothing of whose it is, and names events that no log has.
    case foreignHead
    case bodyRefused
    /// One event is too large for the way to the server.
    case lineRefused
    case requestCut
    case requestLate
    case slowLink
    case restored

    package var name: String { "\(self)" }
}
