import Everyline
import EverylineAWS
import NIOCore

// Connections: how they are made, break, go silent, and give their ids away.
extension LedgerWorld {
    /// The gateway calls the integration of a new connection.
    func connect(_ viewer: Int, _ token: Int) {
        guard viewers[viewer].token == token else { return }
        if world.injects(.refusedRequest, 20) {
            return couldNotOpen(viewer, .refused(APIError(status: 503, code: "refused", detail: "refused")))
        }
        let execution = viewers[viewer].execution
        let name = freeName(for: viewer)
        let index = links.count
        links.append(SimulatedLink(name: name, viewer: viewer, execution: execution))
        links[index].lastTraffic = now
        linkOf[name] = index
        viewers[viewer].link = index
        let last = viewers[viewer].encoding == .lines ? viewers[viewer].last : viewers[viewer].machine.last
        world.tell(
            "viewer \(viewer) connects as c\(name) to \(executions[execution].id)" + (last.map { " after \($0)" } ?? "")
        )
        var query = ["execution": executions[execution].id.rawValue, "token": String(viewer)]
        query["after"] = last?.description
        schedule(.timeOut(process: processes.count), after: Self.connectLimit)
        let headers = viewers[viewer].encoding == .lines ? nil : ["Sec-WebSocket-Protocol": APIHeader.subprotocol]
        call(.connecting(link: index), WebSocketEvent(.connect, of: String(name), query: query, headers: headers))
    }

    /// The integration has answered.
    func integrated(_ index: Int, status: Int, within time: Int64) {
        guard status == 200 else { return refused(index, status: status) }
        guard links[index].state == .connecting else { return }
        // Some answers take their time: what is posted meanwhile finds no connection.
        let longest = Int(Self.connectLimit - time)
        let delay = world.random.chance(350) ? world.random.below(longest + 1) : min(longest, world.random.below(60))
        schedule(.connected(link: index), after: Int64(delay))
        schedule(.idle(link: index), after: Self.idleLimit)
        if world.injects(.connectionCut, 180) {
            schedule(.cut(link: index), after: Int64(world.random.within(10...60_000)))
        }
        if world.injects(.acceptedAndLost, 30) { links[index].isBlackHole = true }
    }

    /// The gateway refuses a connection whose integration has refused it, or died.
    func refused(_ index: Int, status: Int) {
        guard links[index].state == .connecting else { return }
        links[index].state = .closed
        links[index].isReadable = false
        let viewer = links[index].viewer
        guard viewers[viewer].link == index else { return }
        couldNotOpen(viewer, .refused(APIError(status: status, code: "refused", detail: "refused")))
    }

    private func couldNotOpen(_ viewer: Int, _ failure: TailFailure) {
        if viewers[viewer].encoding == .lines { reconnect(plain: viewer) } else { take(.failed(failure), by: viewer) }
    }

    /// An id: usually a new one, sometimes one that another connection had. Never for a viewer that is sent bare lines:
    /// nothing in them says whose they are, so that it could not tell those of a slow sender to the viewer before.
    private func freeName(for viewer: Int) -> Int {
        let closed = linkOf.indices.filter { links[linkOf[$0]].state == .closed }
        if viewers[viewer].encoding == .blocks, let name = closed.last, world.injects(.connectionIDReused, 450) {
            return name
        }
        linkOf.append(-1)
        executionOf.append(-1)
        records.append([ViewerConnection?](repeating: nil, count: executions.count))
        return linkOf.count - 1
    }

    /// The integration has returned: the gateway knows the connection, and a viewer that can speaks first.
    func connected(_ index: Int) {
        guard links[index].state == .connecting else { return }
        links[index].state = .open
        let viewer = links[index].viewer
        guard viewers[viewer].link == index, viewers[viewer].phase == .opening else {
            return cut(index, because: "its viewer has gone on")
        }
        viewers[viewer].lastHeard = now
        if viewers[viewer].encoding == .lines { return viewers[viewer].phase = .reading }
        var session = GatewaySession(
            of: executions[links[index].execution].id, after: viewers[viewer].machine.last ?? links[index].start)
        let opening = session.open()
        viewers[viewer].session = session
        say(opening, on: index)
        take(.connected, by: viewer)
        schedule(.silence(viewer: viewer, link: index), after: 30_000)
    }

    /// A viewer says something; it may be lost, and a resumption may come once more, late.
    func say(_ message: ViewerMessage, on index: Int) {
        guard links[index].state == .open else { return }
        let arrival = max(now + latency() % 5000, links[index].lastSaid)
        links[index].lastSaid = arrival
        if world.injects(.lostMessage, 70) { return }
        heap.add(.hear(link: index, message: message), at: arrival)
        if case .resume = message, world.injects(.lateResumption, 180) {
            heap.add(.hear(link: index, message: message), at: arrival + Int64(world.random.within(5...60_000)))
        }
    }

    /// The next message reaches its viewer.
    func arrive(_ index: Int) {
        guard links[index].isReadable else { return }
        let viewer = links[index].viewer
        if viewers[viewer].isStalled(at: now) {
            let resumes = viewers[viewer].stallsUntil
            if resumes < .max { heap.add(.arrive(link: index), at: resumes + 1) }
            return
        }
        let message = links[index].frames[links[index].arrived]
        links[index].arrived += 1
        if viewers[viewer].encoding == .lines { return take(plain: message, on: index) }
        guard viewers[viewer].link == index, var session = viewers[viewer].session else { return }
        viewers[viewer].lastHeard = now
        let finding = session.take(message)
        viewers[viewer].session = session
        if let answer = finding.answer { say(answer, on: index) }
        if let message = finding.message { receive(.message(message), by: viewer) }
    }

    /// The connection breaks for both sides; what is on its way is lost.
    func cut(_ index: Int, because reason: String) {
        guard links[index].state == .open else { return }
        world.tell("c\(links[index].name): \(reason)")
        links[index].isReadable = false
        close(index)
        viewerLost(index, .lost("the connection broke"))
    }

    /// The server closes the connection; the viewer hears of it behind all that was posted before.
    func closeInOrder(_ index: Int, code: UInt16) {
        close(index)
        heap.add(.farewell(link: index, code: code), at: max(now, links[index].lastArrival) + 1)
    }

    func farewell(_ index: Int, code: UInt16) {
        guard links[index].isReadable else { return }
        let viewer = links[index].viewer
        if viewers[viewer].isStalled(at: now) {
            let resumes = viewers[viewer].stallsUntil
            if resumes < .max { heap.add(.farewell(link: index, code: code), at: resumes + 2) }
            return
        }
        links[index].isReadable = false
        viewerLost(index, .closed(code: code, reason: ""))
    }

    private func viewerLost(_ index: Int, _ reading: TailReading) {
        let viewer = links[index].viewer
        guard viewers[viewer].link == index else { return }
        if viewers[viewer].encoding == .lines { reconnect(plain: viewer) } else { receive(reading, by: viewer) }
    }

    /// The gateway's side of an end. That a connection has gone is not always said.
    func close(_ index: Int) {
        links[index].state = .closed
        if !world.injects(.silentDisconnect, 300) {
            schedule(.disconnected(name: links[index].name), after: latency())
        }
    }

    func checkIdle(_ index: Int) {
        guard links[index].state == .open else { return }
        let idleFrom = links[index].lastTraffic
        if now - idleFrom >= Self.idleLimit { return cut(index, because: "idle for ten minutes") }
        heap.add(.idle(link: index), at: idleFrom + Self.idleLimit)
    }

    func open(for viewer: Int, token: Int) {
        schedule(.connect(viewer: viewer, token: token), after: latency() % 9000)
    }

    func schedule(_ event: ViewerEvent, of viewer: Int, token: Int, after delay: Int64) {
        schedule(.viewer(viewer, token: token, event), after: delay)
    }

    func hangUp(_ viewer: Int) {
        viewers[viewer].mailbox.removeAll(keepingCapacity: true)
        viewers[viewer].session = nil
        let link = viewers[viewer].link
        viewers[viewer].link = -1
        guard link >= 0 else { return }
        links[link].isReadable = false
        if links[link].state != .closed { close(link) }
    }

    /// Without a word for a while, the viewer says something; without an answer to that, it takes the connection for
    /// dead.
    func checkSilence(of viewer: Int, on link: Int) {
        guard viewers[viewer].link == link, links[link].isReadable, viewers[viewer].phase == .reading,
            let session = viewers[viewer].session, world.mutation != .ping
        else { return }
        let silence = now - viewers[viewer].lastHeard
        if viewers[viewer].isStalled(at: now) {
            return schedule(.silence(viewer: viewer, link: link), after: 10_000)
        }
        if silence >= 45_000 { return receive(.lost("nothing came for 45 s"), by: viewer) }
        if silence >= 30_000 { say(session.silence(), on: link) }
        let next = viewers[viewer].lastHeard + (silence >= 30_000 ? 45_000 : 30_000)
        heap.add(.silence(viewer: viewer, link: link), at: max(next, now + 1))
    }
}
