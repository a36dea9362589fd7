/// A number of bytes.
public typealias ByteCount = Int

extension ByteCount {
    public static func kibibytes(_ count: Int) -> ByteCount { count << 10 }
    public static func mebibytes(_ count: Int) -> ByteCount { count << 20 }
    public static func gibibytes(_ count: Int) -> ByteCount { count << 30 }
}
