import Everyline
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One direction of a proxied connection: hands on what it reads, at the pace of the receiver, unless a fault strikes.
///
/// What is held is bounded by what had been read when the fault began.
final class FaultyStream: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Mode {
        case passing
        case holding
        case trickling(crumbs: Int, SeededGenerator)
        case cutting(bytesLeft: Int, abruptly: Bool)
    }

    /// The other direction, which reads from where this one writes to.
    var opposite: FaultyStream?
    /// Lives on the same event loop.
    private let receiver: any Channel
    private var context: ChannelHandlerContext?
    private var mode = Mode.passing
    private var held = ByteBuffer()
    private var wantsToRead = false
    private var hasEnded = false

    init(to receiver: any Channel) { self.receiver = receiver }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        opposite = nil
    }

    // MARK: Faults

    /// Begins a fault. One that is under way goes on in its place, unless this is a cut.
    func inject(_ fault: ConnectionFault) {
        if case .passing = mode {} else if !fault.isCut { return }
        switch fault {
        case .cut(let bytes, let abruptly):
            // What is held would have to go before the bytes that are still to come.
            if held.readableBytes > 0 { return hangUp(abruptly: abruptly) }
            mode = .cutting(bytesLeft: bytes, abruptly: abruptly)
            later(.milliseconds(200)) { self.hangUp(abruptly: abruptly) }
        case .pause(let duration):
            mode = .holding
            later(TimeAmount(duration)) { self.letThrough() }
        case .trickle(let crumbs, let seed):
            mode = .trickling(crumbs: crumbs, SeededGenerator(seed: seed))
            trickle()
        }
    }

    /// Lets nothing through until ``letThrough()``.
    func hold() { mode = .holding }

    /// Hands on what was held, and what comes.
    func letThrough() {
        mode = .passing
        if held.readableBytes > 0 { receiver.writeAndFlush(held, promise: nil) }
        held = ByteBuffer()
        if hasEnded { end() }
        goOnReading()
    }

    private func trickle() {
        guard case .trickling(let crumbs, var generator) = mode else { return }
        guard crumbs > 0 else { return letThrough() }
        if let crumb = held.readSlice(length: min(held.readableBytes, .random(in: 1...97, using: &generator))) {
            receiver.writeAndFlush(crumb, promise: nil)
        }
        if held.readableBytes == 0 {
            if hasEnded { return letThrough() }
            goOnReading()
        }
        mode = .trickling(crumbs: crumbs - 1, generator)
        later(.milliseconds(1)) { self.trickle() }
    }

    private func hangUp(abruptly: Bool) {
        if abruptly {
            // With nothing to linger for, closing resets the connection.
            _ = (receiver as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        receiver.close(promise: nil)
        context?.close(promise: nil)
    }

    /// What is under way ends in any case, also after one side is gone: the other one must learn of it.
    private func later(_ delay: TimeAmount, _ step: @escaping () -> Void) {
        receiver.eventLoop.assumeIsolated().scheduleTask(in: delay, step)
    }

    // MARK: Passing on

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        switch mode {
        case .passing:
            receiver.write(bytes, promise: nil)
        case .holding, .trickling:
            held.writeBuffer(&bytes)
        case .cutting(let left, let abruptly):
            guard bytes.readableBytes >= left else {
                mode = .cutting(bytesLeft: left - bytes.readableBytes, abruptly: abruptly)
                return receiver.write(bytes, promise: nil)
            }
            receiver.writeAndFlush(bytes.readSlice(length: left) ?? ByteBuffer(), promise: nil)
            hangUp(abruptly: abruptly)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { receiver.flush() }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { wantsToRead = true }
    }

    /// The opposite direction's reader has room again, or none any more.
    func channelWritabilityChanged(context: ChannelHandlerContext) { opposite?.goOnReading() }

    func channelInactive(context: ChannelHandlerContext) {
        hasEnded = true
        switch mode {
        case .passing, .cutting: end()
        case .holding, .trickling: break
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private var mayRead: Bool {
        guard receiver.isWritable else { return false }
        return switch mode {
        case .passing, .cutting: true
        case .holding: false
        case .trickling: held.readableBytes == 0
        }
    }

    private func goOnReading() {
        guard wantsToRead, mayRead else { return }
        wantsToRead = false
        context?.read()
    }

    /// Hangs up behind what was handed on.
    private func end() {
        receiver.writeAndFlush(ByteBuffer()).whenComplete { [receiver] _ in receiver.close(promise: nil) }
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .nanoseconds(Int64(duration / .nanoseconds(1))) }
}
