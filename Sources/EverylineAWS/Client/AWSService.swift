/// One of AWS's services: how it is addressed and spoken to.
package struct AWSService: Sendable, Equatable {
    /// In the credential scope.
    let signingName: String
    /// The first part of its host's name.
    let endpointPrefix: String
    let wire: Wire
    /// Whether it has one address for all regions of a partition.
    var isGlobal = false

    enum Wire: Sendable, Equatable {
        /// Every operation is a POST to `/` with `X-Amz-Target: prefix.Operation`.
        case json(version: String, targetPrefix: String)
        /// The path and the method say what is asked for.
        case restJSON
        /// Every operation is a form that is posted to `/` with `Action` and `Version`; the answer is XML.
        case query(version: String)
        /// S3's: the path and the method say what is asked for, and the answer is XML.
        case restXML
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
    package static let cloudFormation = AWSService(
        signingName: "cloudformation", endpointPrefix: "cloudformation", wire: .query(version: "2010-05-15"))
    package static let ec2 = AWSService(
        signingName: "ec2", endpointPrefix: "ec2", wire: .query(version: "2016-11-15"))
    package static let sts = AWSService(
        signingName: "sts", endpointPrefix: "sts", wire: .query(version: "2011-06-15"))
    package static let iam = AWSService(
        signingName: "iam", endpointPrefix: "iam", wire: .query(version: "2010-05-08"), isGlobal: true)
    package static let s3 = AWSService(signingName: "s3", endpointPrefix: "s3", wire: .restXML)
    package static let quotas = AWSService(
        signingName: "servicequotas", endpointPrefix: "servicequotas",
        wire: .json(version: "1.1", targetPrefix: "ServiceQuotasV20190624"))
}
