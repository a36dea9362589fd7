import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineAWS

@Suite("A watch over bursts") struct BurstWatchTests {
    private let lines = Changing<[String]>([])

    private var watch: BurstWatch {
        BurstWatch(function: "everyline-sequencer", threshold: 3) { [lines] in lines.value.append(String(buffer: $0)) }
    }

    @Test("sees the burst of one execution, once a second, and not what many have together")
    func bursts() {
        let watch = watch
        for group in 0..<100 {
            for message in 0..<2 { watch.note("e\(group)", sentAt: Timestamp(milliseconds: 5000 + Int64(message))) }
        }
        #expect(lines.value.isEmpty)
        for _ in 0..<10 { watch.note("e7", sentAt: Timestamp(milliseconds: 5999)) }
        #expect(lines.value.count == 1)
        for _ in 0..<10 { watch.note("e7", sentAt: Timestamp(milliseconds: 6000)) }
        #expect(lines.value.count == 2)
    }

    @Test("writes a line of which CloudWatch makes a metric")
    func metric() throws {
        struct Line: Decodable, Equatable {
            struct Root: Decodable, Equatable {
                struct Directive: Decodable, Equatable {
                    struct Metric: Decodable, Equatable {
                        let Name: String
                        let Unit: String
                    }
                    let Namespace: String
                    let Dimensions: [[String]]
                    let Metrics: [Metric]
                }
                let Timestamp: Int64
                let CloudWatchMetrics: [Directive]
            }
            let _aws: Root
            let FunctionName: String
            let execution_id: String
            let Bursts: Int
        }
        let watch = watch
        for _ in 0..<3 { watch.note("e", sentAt: Timestamp(milliseconds: 5000)) }
        let line = try #require(lines.value.first)
        #expect(line.last == "\n" && line.dropLast().allSatisfy { !$0.isNewline })
        let directive = Line.Root.Directive(
            Namespace: "Everyline", Dimensions: [["FunctionName"]], Metrics: [.init(Name: "Bursts", Unit: "Count")])
        #expect(
            try LambdaEvent.decode(Line.self, from: ByteBuffer(string: line))
                == Line(
                    _aws: .init(Timestamp: 5000, CloudWatchMetrics: [directive]), FunctionName: "everyline-sequencer",
                    execution_id: "e", Bursts: 1))
    }
}
