import Everyline
import Testing

@Suite("A bounded cache")
struct BoundedCacheTests {
    @Test("holds what was last known of as many keys as it may, and forgets all of them for one more")
    func limit() {
        let cache = BoundedCache<Int, String>(limit: 2)
        cache[1] = "a"
        cache[2] = "b"
        cache[2] = "c"
        #expect(cache[1] == "a" && cache[2] == "c")
        cache[3] = "d"
        #expect(cache[1] == nil && cache[2] == nil && cache[3] == "d")
    }

    @Test("changes what is known of a key in one step")
    func change() {
        let cache = BoundedCache<Int, Int>(limit: 1)
        for expected in 1...3 {
            let count = cache.change(1) { known in
                known = (known ?? 0) + 1
                return known
            }
            #expect(count == expected)
        }
        cache.change(1) { $0 = nil }
        #expect(cache[1] == nil)
    }
}
