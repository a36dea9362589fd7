/// A point of the server's that is passed when the test says so.
final class Checkpoint: Sendable {
    private let arrivals: (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
    private let opening: (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()

    func pass() async {
        arrivals.1.yield()
        for await _ in opening.0 {}
    }

    func whenReached() async {
        for await _ in arrivals.0.prefix(1) {}
    }

    func open() {
        opening.1.finish()
    }
}
