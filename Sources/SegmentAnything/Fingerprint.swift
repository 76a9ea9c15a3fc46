import Synchronization
import Tensors

/// Which model made an embedding. The fingerprint is computed where an embedding is saved or read, and only once.
final class ModelIdentity: Sendable {
    private let compute: @Sendable () -> String
    private let computed = Mutex<String?>(nil)

    init(_ file: ModelFile, _ precision: Precision) {
        compute = { fingerprintOfModel(file, precision) }
    }

    /// The model that a saved embedding names.
    init(fingerprint: String) {
        compute = { fingerprint }
    }

    var fingerprint: String {
        computed.withLock { known in
            let value = known ?? compute()
            known = value
            return value
        }
    }
}

/// The version of ``EncodedImage/write(to:key:)``'s format, which the fingerprint covers.
let embeddingFormat = "1"

/// A 128-bit hash of a model's tensors, its precision and the format's version, as 32 hexadecimal digits.
///
/// It guards against mistakes, not against forgery: sixteen FNV-like lanes of 32 bits, of which one changed number changes
/// its lane for certain.
private func fingerprintOfModel(_ file: ModelFile, _ precision: Precision) -> String {
    var hash = LaneHash()
    hash.add(text: "\(embeddingFormat) \(precision.rawValue)")
    for (name, shape) in file.shapes.sorted(by: { $0.key < $1.key }) {
        hash.add(text: "\(name) \(shape)")
        file.tensor(name).withUnsafeBufferPointer { hash.add($0) }
    }
    return hash.digest
}

/// 128 bits of some numbers and texts, in their order.
struct LaneHash {
    private var lanes =
        SIMD16<UInt32>(repeating: 0x811C_9DC5) &+ SIMD16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

    /// Each step is a bijection of the lanes, so that two states that differ never meet again by the same numbers.
    private mutating func add(_ words: SIMD16<UInt32>) {
        let mixed = (lanes ^ words) &* 0x0100_0193
        lanes = mixed ^ mixed &>> 15
    }

    mutating func add(_ numbers: UnsafeBufferPointer<Float>) {
        let bytes = UnsafeRawBufferPointer(numbers)
        var position = 0
        while position + 64 <= bytes.count {
            add(bytes.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt32>.self))
            position += 64
        }
        var tail = SIMD16<UInt32>(repeating: 0)
        for index in 0..<(bytes.count - position) / 4 { tail[index] = numbers[position / 4 + index].bitPattern }
        add(tail)
    }

    mutating func add(text: String) {
        for byte in text.utf8 { add(SIMD16(repeating: UInt32(byte))) }
    }

    /// The lanes folded to two words; a lane that differs changes the first for certain.
    var digest: String {
        var (first, second) = (UInt64(0), UInt64(0))
        for lane in 0..<lanes.scalarCount {
            first = (first ^ UInt64(lanes[lane])) &* 0x9E37_79B9_7F4A_7C15
            first ^= first >> 32
            second = (second &+ first) &* 0xBF58_476D_1CE4_E5B9
            second ^= second >> 29
        }
        return [first, second].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
