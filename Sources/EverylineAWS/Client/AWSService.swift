/// One of AWS's services: how it is addressed and spoken to.
package struct AWSService: Sendable, Equatable {
    /// In the credential scope.
    let signingName: String
    /// The first part of its host's name.
    let endpointPrefix: String
    let wire: Wire

    enum Wire: Sendable, Equatable {
        /// Every operation is a POST to `/` with `X-Amz-Target: prefix.Operation`.
        case json(version: String, targetPrefix: String)
        /// The path and the method say what is asked for.
        case restJSON
    }

    package static let dynamoDB = AWSService(
        signingName: "dynamodb", endpointPrefix: "dynamodb",
        wire: .json(version: "1.0", targetPrefix: "DynamoDB_20120810"))
    package static let sqs = AWSService(
        signingName: "sqs", endpointPrefix: "sqs", wire: .json(version: "1.0", targetPrefix: "AmazonSQS"))
    package static let logs = AWSService(
        signingName: "logs", endpointPrefix: "logs", wire: .json(version: "1.1", targetPrefix: "Logs_20140328"))
    package static let ecs = AWSService(
        signingName: "ecs", endpointPrefix: "ecs",
        wire: .json(version: "1.1", targetPrefix: "AmazonEC2ContainerServiceV20141113"))
    package static let lambda = AWSService(signingName: "lambda", endpointPrefix: "lambda", wire: .restJSON)
    /// Its host is the API's own: ``APIGatewayConnections`` is given it.
    package static let connections = AWSService(
        signingName: "execute-api", endpointPrefix: "execute-api", wire: .restJSON)
}
