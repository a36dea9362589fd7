import Everyline

// Backups of the server's data, and what happens when one is put back.
extension EmbeddedWorld {
    static func incarnation(_ number: Int) -> Incarnation {
        guard let incarnation = Incarnation("i\(number)") else { preconditionFailure("a name of an incarnation") }
        return incarnation
    }

    func backUp() {
        world.tell("a backup is made, up to \(executions[0].head.log.offset)")
        backup = (executions[0], history)
    }

    /// The server is killed, and comes back with the backup's data.
    func restore() {
        guard let backup, world.injects(.restored, 1000) else { return }
        kill()
        restores += 1
        world.tell("the backup is put back, up to \(backup.execution.head.log.offset)")
        // A spool gives up what has been delivered, or what a full log had no room for, also if that log is void now.
        // Then the log must say that it is missing.
        if executions[0].isEnded || executions[0].head.log.offset >= producer.kept { producer.kept = .zero }
        executions[0] = backup.execution
        history = backup.history
        let head = executions[0].head.log
        history.restore(to: Self.incarnation(restores), base: head.isEnded ? nil : head.offset)
        // What viewers were shown behind events that are void says nothing of those that come.
        for viewer in viewers.indices { viewers[viewer].pending.removeAll { $0.after >= head.offset } }
        // Its end was delivered, and is gone: the server finds no runner of it.
        if producer.isDone { isEndedFromOutside = true }
        // Those that were reading a download.
        for viewer in viewers.indices where viewers[viewer].phase == .reading {
            receive(.lost("the server is gone"), by: viewer)
        }
    }

    var incarnation: Incarnation? { history.current }

    func restoration(since known: Incarnation?) -> Restoration? {
        guard let restoration = known.flatMap(history.restoration) else { return nil }
        guard world.mutation == .restoreBase else { return restoration }
        return Restoration(to: restoration.incarnation, base: executions[0].head.log.offset)
    }

    /// Tells a viewer that comes by an earlier incarnation's address what is void.
    ///
    /// - Returns: whether it does.
    func turnBack(_ viewer: Int) -> Bool {
        guard let restoration = restoration(since: viewers[viewer].addressed) else { return false }
        world.tell("viewer \(viewer) comes from before a restore")
        if world.random.chance(500) {
            let refusal = APIError(.otherIncarnation, "restored", restoration: restoration)
            take(.failed(.refused(refusal)), by: viewer)
        } else {
            viewers[viewer].mailbox = [
                .message(StreamEncoding.blocks.restored(restoration)), .closed(code: 4409, reason: ""),
            ]
            take(.connected, by: viewer)
        }
        return true
    }
}
