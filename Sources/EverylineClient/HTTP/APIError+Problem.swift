import Everyline

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension APIError {
    /// Reads a refusal's body; one that is no problem document gives a code of its status, and `detail`.
    init(status: Int, body: Data, otherwise detail: String, requestID: String? = nil, retryAfter: Duration? = nil) {
        guard let problem = try? JSONDecoder().decode(Problem.self, from: body) else {
            self.init(
                status: status, code: "http_\(status)", detail: detail, requestID: requestID, retryAfter: retryAfter)
            return
        }
        let offset = { (value: UInt64?) in value.flatMap { $0 <= Offset.maximum.rawValue ? Offset($0) : nil } }
        var restoration: Restoration?
        if let incarnation = problem.incarnation.flatMap({ Incarnation($0) }), let base = offset(problem.base) {
            restoration = Restoration(to: incarnation, base: base, count: max(1, problem.restores ?? 1))
        }
        self.init(
            status: status, code: problem.code, detail: problem.detail, requestID: problem.requestID,
            head: offset(problem.head), restoration: restoration, retryAfter: retryAfter)
    }
}
