import NIOHTTP1

extension RequestTurnHandler {
    /// Says in an answer's head how its body ends, for the one who asked: by its length if that is known; else in chunks, or
    /// for HTTP/1.0, which knows none, with the connection. HEAD is answered as GET is, without the body.
    func frame(_ answer: HTTPResponseHead) -> HTTPResponseHead {
        guard answer.status.code >= 200 else { return answer }
        var answer = answer
        let hasLength = answer.headers.contains(name: "Content-Length")
        let isChunked = !hasLength && current?.head.version != .http1_0
        answer.headers.remove(name: "Transfer-Encoding")
        if !answer.status.mayHaveResponseBody {
            answer.headers.remove(name: "Content-Length")
            current?.hasAnswerBody = false
        } else if current?.head.method == .HEAD {
            current?.hasAnswerBody = false
        } else if isChunked {
            answer.headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        if let current, current.isLast || endsUnread(current), answer.isKeepAlive {
            answer.headers.add(name: "Connection", value: "close")
        }
        return answer
    }
}
