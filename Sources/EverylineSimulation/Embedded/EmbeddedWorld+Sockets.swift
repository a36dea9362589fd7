import Everyline
import NIOCore

// Sockets: how they are made, filled, stalled and cut.
extension EmbeddedWorld {
    func open(for viewer: Int, token: Int) {
        schedule(.connect(viewer: viewer, token: token), after: latency())
    }

    func connect(_ viewer: Int, _ token: Int) {
        guard viewers[viewer].token == token else { return }
        guard let server else { return take(.failed(.unreachable("no server")), by: viewer) }
        if world.injects(.refusedRequest, 40) {
            let status = world.random.chance(500) ? 401 : 503
            return take(.failed(.refused(APIError(status: status, code: "refused", detail: "refused"))), by: viewer)
        }
        guard !turnBack(viewer) else { return }
        var offset = viewers[viewer].machine.last ?? .zero
        if viewers[viewer].machine.last == nil, case .notOlderThan(let time) = viewers[viewer].start {
            offset = executions[0].offset(before: time)
        }
        let index = sockets.count
        world.tell("viewer \(viewer) connects to server \(server.number) after \(offset), socket \(index)")
        serve(index, viewer: viewer, after: offset, by: server)
        viewers[viewer].link = index
        viewers[viewer].lastHeard = now
        sockets[index].holdsBack = world.injects(.joinedMessages, 100)
        take(.connected, by: viewer)
        schedule(.checkStall(socket: index), after: Self.stallLimit)
        schedule(.silence(viewer: viewer, socket: index), after: 45_000)
        if world.injects(.connectionCut, 250) {
            schedule(.cut(socket: index), after: Int64(world.random.within(10...30_000)))
        }
    }

    private func serve(_ index: Int, viewer: Int, after offset: Offset, by server: SimulatedServer) {
        let store = BoardLogStore(board: board, server: server.number, stream: index)
        let stream = SimulatedStream(number: index, board: board, store: store, frameLimit: readLimit)
        let id = executions[0].id
        let task: Task<Void, Never>
        let subscription: LogFeed.Subscription
        if world.mutation == .wakeupRecheck {
            subscription = server.feed.subscribe(to: id)
            let tail = ForgetfulTail(
                execution: id, offset: offset, store: store, subscription: subscription, limit: readLimit)
            task = Task(executorPreference: executor) { await stream.run(tail) }
        } else {
            let tail = Tail(of: id, after: offset, in: store, feed: server.feed, limit: readLimit)
            subscription = tail.subscription
            task = Task(executorPreference: executor) { await stream.run(tail) }
        }
        self.server?.tasks.append(task)
        var socket = SimulatedSocket(viewer: viewer, server: server.number, subscription: subscription, taken: offset)
        socket.lastProgress = now
        sockets.append(socket)
    }

    /// What a stream takes out of the log must be what is committed there, and follow what it took before.
    func check(_ block: EventBlock, takenFor stream: Int) {
        world.tell("socket \(stream) gets \(block.first)…\(block.last)")
        world.require(
            block.matches(executions[0].hashes), .durableBeforeVisible,
            "\(block.first)…\(block.last) is sent, which is not what the log holds")
        world.require(
            block.predecessor == sockets[stream].taken, .gapFree,
            "socket \(stream) gets \(block.first) after \(sockets[stream].taken)")
        sockets[stream].taken = block.last
    }

    /// Nothing waits for a wake-up that was given before: a stream that waits has everything that its server announced.
    func checkNobodyIsForgotten() {
        guard let server else { return }
        for (index, socket) in sockets.enumerated()
        where socket.server == server.number && socket.isServed && socket.isOpen && socket.pending == 0 {
            world.require(
                socket.taken >= server.announced, .live,
                "socket \(index) waits after \(socket.taken), and \(server.announced) was announced")
        }
    }

    /// A task hands messages over: at once if there is room, else when there is.
    func send(_ messages: [ByteBuffer], on index: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        guard sockets[index].isOpen else {
            sockets[index].pending -= 1
            return continuation.resume(throwing: ServerGone())
        }
        sockets[index].waiting.append((messages, continuation))
        flush(index)
    }

    private func flush(_ index: Int) {
        while sockets[index].isOpen, sockets[index].unread < 3, let next = sockets[index].waiting.first {
            sockets[index].waiting.removeFirst()
            for message in next.messages { put(.message(message), on: index) }
            sockets[index].pending -= 1
            sockets[index].lastProgress = now
            next.continuation.resume()
        }
    }

    private func put(_ reading: TailReading, on index: Int) {
        if sockets[index].holdsBack, sockets[index].unread > 0, case .message(let message) = reading,
            case .message(var joined)? = sockets[index].messages.last
        {
            if joined.readableBytesView.last != UInt8(ascii: "\n") { joined.writeInteger(UInt8(ascii: "\n")) }
            joined.writeImmutableBuffer(message)
            sockets[index].messages[sockets[index].messages.count - 1] = .message(joined)
            return
        }
        sockets[index].messages.append(reading)
        let pace = pace(of: viewers[sockets[index].viewer])
        let way = latency() + (sockets[index].holdsBack ? Int64(world.random.within(500...5000)) : 0)
        let arrival = max(now + way, sockets[index].lastArrival + pace)
        sockets[index].lastArrival = arrival
        heap.add(.arrive(socket: index), at: arrival)
    }

    func arrive(_ index: Int) {
        guard sockets[index].isReadable else { return }
        let viewer = sockets[index].viewer
        if viewers[viewer].isStalled(at: now) {
            let resumes = viewers[viewer].stallsUntil
            if resumes < .max { heap.add(.arrive(socket: index), at: resumes + 1) }
            return
        }
        let reading = sockets[index].messages[sockets[index].arrived]
        sockets[index].arrived += 1
        sockets[index].lastProgress = now
        flush(index)
        guard viewers[viewer].link == index else { return }
        viewers[viewer].lastHeard = now
        if case .message = reading {} else { sockets[index].isReadable = false }
        receive(reading, by: viewer)
    }

    /// The server closes: the viewer hears of it behind everything that was sent.
    func closeInOrder(_ index: Int, code: UInt16) {
        guard sockets[index].isOpen else { return }
        world.tell("socket \(index) is closed with \(code)")
        if code == 1000 {
            world.require(
                executions[0].isEnded && sockets[index].taken >= executions[0].head.log.offset, .end,
                "socket \(index) is closed as complete after \(sockets[index].taken)")
        }
        sockets[index].isOpen = false
        sockets[index].subscription.end()
        failWaiting(index)
        put(.closed(code: code, reason: ""), on: index)
    }

    /// The connection breaks for both sides.
    func cut(_ index: Int) {
        guard sockets[index].isReadable else { return }
        world.tell("socket \(index) breaks")
        let viewer = sockets[index].viewer
        hangUp(socket: index)
        if viewers[viewer].link == index { receive(.lost("the connection broke"), by: viewer) }
    }

    func hangUp(_ viewer: Int) {
        viewers[viewer].mailbox.removeAll(keepingCapacity: true)
        let index = viewers[viewer].link
        viewers[viewer].link = -1
        if index >= 0 { hangUp(socket: index) }
    }

    private func hangUp(socket index: Int) {
        sockets[index].isReadable = false
        guard sockets[index].isOpen else { return }
        sockets[index].isOpen = false
        sockets[index].subscription.end()
        failWaiting(index)
    }

    /// A viewer that takes nothing for too long is let go; it can resume.
    func checkStall(_ index: Int) {
        guard sockets[index].isOpen else { return }
        if sockets[index].unread > 0, now - sockets[index].lastProgress >= Self.stallLimit {
            return closeInOrder(index, code: 1013)
        }
        schedule(.checkStall(socket: index), after: Self.stallLimit / 2)
    }

    func checkSilence(of viewer: Int, on index: Int) {
        guard viewers[viewer].link == index, sockets[index].isReadable, viewers[viewer].phase == .reading else {
            return
        }
        let silence = now - viewers[viewer].lastHeard
        if silence >= 45_000, !viewers[viewer].isStalled(at: now) {
            return receive(.lost("nothing came for 45 s"), by: viewer)
        }
        heap.add(.silence(viewer: viewer, socket: index), at: max(viewers[viewer].lastHeard + 45_000, now + 5000))
    }
}
