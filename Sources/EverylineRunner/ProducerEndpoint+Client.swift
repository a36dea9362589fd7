package import Everyline
package import EverylineClient
package import EverylineProducer

extension ProducerEndpoint {
    /// The log of one execution on a server.
    package init(_ client: EverylineClient, execution: ExecutionID, token: Credential) {
        self.init(
            append: { events, head, incarnation in
                let answer = try await client.append(
                    events, to: execution, after: head, token: token, in: incarnation)
                return Appended(
                    head: answer.head, isStopRequested: answer.isStopRequested, incarnation: answer.incarnation)
            },
            setPending: { try await client.setPending($0, of: execution, token: token, in: $1) },
            mustStop: {
                let answer = try await client.control(of: execution, token: token)
                // Whatever a server says, a stop is heard of within minutes.
                let pause = Duration.seconds(min(max(answer.pollAfterSeconds ?? 0, 0), 300))
                return StopResponse(
                    isRequested: answer.stopRequested, pause: pause,
                    incarnation: answer.incarnation.flatMap { Incarnation($0) })
            })
    }
}
