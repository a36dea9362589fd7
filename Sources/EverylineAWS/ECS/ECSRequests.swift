/// The operations' inputs and outputs, under the names that ECS gives their parts.

struct RunTaskInput: Encodable {
    let cluster: String
    let taskDefinition: String
    let count: Int
    let launchType: String
    let startedBy: String
    let clientToken: String
    let networkConfiguration: Network
    let overrides: Overrides

    struct Network: Encodable {
        let awsvpcConfiguration: VPC
    }

    struct VPC: Encodable {
        let subnets: [String]
        let securityGroups: [String]
        let assignPublicIp: String
    }

    struct Overrides: Encodable {
        let containerOverrides: [ContainerOverride]
        /// The task's, as ECS writes them: `256`, `512`.
        let cpu: String?
        let memory: String?
    }

    struct ContainerOverride: Encodable {
        let name: String
        let command: [String]
        let environment: [NamedValue]
    }

    struct NamedValue: Encodable {
        let name: String
        let value: String
    }
}

struct StopTaskInput: Encodable {
    let cluster: String
    let task: String
    let reason: String
}

struct DescribeTasksInput: Encodable {
    let cluster: String
    let tasks: [String]
}

struct ListTasksInput: Encodable {
    let cluster: String
    let startedBy: String
    let desiredStatus: String
}

struct ListTasksOutput: Decodable {
    let taskArns: [String]?
}

struct TasksOutput: Decodable {
    let tasks: [ECSTask]?
    let failures: [Failure]?

    struct Failure: Decodable {
        let arn: String?
        let reason: String?
        let detail: String?
    }
}

struct DescribeTaskDefinitionInput: Encodable {
    let taskDefinition: String
}

struct DescribeTaskDefinitionOutput: Decodable {
    let taskDefinition: Definition?

    struct Definition: Decodable {
        let containerDefinitions: [Container]?
    }

    struct Container: Decodable {
        let name: String?
        let logConfiguration: Log?
    }

    struct Log: Decodable {
        let logDriver: String?
        let options: [String: String]?
    }
}
