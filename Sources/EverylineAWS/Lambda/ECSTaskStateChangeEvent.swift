/// What EventBridge gives a function when a task of ECS changes its state.
package struct ECSTaskStateChangeEvent: Sendable, Decodable {
    package let id: String
    package let source: String
    package let detailType: String
    package let region: String
    /// In the form of RFC 3339.
    package let time: String
    package let detail: ECSTask

    enum CodingKeys: String, CodingKey {
        case id, source, region, time, detail
        case detailType = "detail-type"
    }
}
