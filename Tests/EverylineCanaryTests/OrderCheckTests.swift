import Testing

@testable import EverylineCanary

@Suite("An order check") struct OrderCheckTests {
    private func check(_ offsets: [UInt64], after offset: UInt64 = 0) -> OrderCheck {
        var check = OrderCheck()
        check.begin(after: offset)
        for offset in offsets { check.take(offset) }
        return check
    }

    @Test("finds nothing in c+1, c+2, …", arguments: [0, 41])
    func right(after offset: UInt64) {
        let found = check(Array(offset + 1...offset + 5), after: offset)
        #expect(found.missing.isEmpty && found.duplicates == 0 && found.reordered == 0 && found.last == offset + 5)
    }

    @Test("says of each fault what it is")
    func faults() {
        #expect(check([1, 2, 5]).missing.total == 2)
        #expect(check([1, 2, 2, 1, 3]).duplicates == 2)
        let swapped = check([1, 3, 2, 4])
        #expect(swapped.missing.isEmpty && swapped.reordered == 1 && swapped.duplicates == 0)
        #expect(check([3], after: 3).duplicates == 1)
    }

    @Test("takes what comes on another connection for no repetition, and forgives no hole for it")
    func connections() {
        var found = check([1, 2, 4])
        found.begin(after: 2)
        for offset in 3...6 as ClosedRange<UInt64> { found.take(offset) }
        #expect(found.missing.total == 1 && found.missing.contains(3))
        #expect(found.duplicates == 0 && found.reordered == 0)
    }
}
