import Checkpoints
import Foundation
import SafeFiles
import Tensors

/// The projections of activations on seeded random signs, by which activations of any size are compared
/// (`tools/reference/sketch.py` is the same to the bit).
///
/// Projection j of values x is Σᵢ s(i, j)·xᵢ in double precision, every sign being 1 or −1. The mean square of the differences
/// of two sketches estimates the squared L2 distance of what they were made of, within a share of √(2 / projections) in one
/// standard deviation (Achlioptas 2003).
///
/// The sign of element i in projection j is bit j mod 64 of output 256·i + j / 64 of SplitMix64, whose state begins as the seed
/// xor the FNV-1a hash of the activation's name; a bit of 1 means −1.
public struct Sketch: Sendable {
    public let projections: Int
    private let state: UInt64

    /// What signs are made of.
    public static let seed: UInt64 = 1
    /// As many as an element's outputs of SplitMix64 have bits for.
    public static let mostProjections = 256 * 64

    public init(of name: String, projections: Int) {
        precondition((1...Self.mostProjections).contains(projections), "\(projections) projections")
        self.projections = projections
        state = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } ^ Self.seed
    }

    /// 64 signs of an element: bit j is 1 where that of projection 64·word + j is −1.
    package func signs(element: Int, word: Int) -> UInt64 {
        SplitMix64.output(UInt64(256 * element + word), seed: state)
    }

    /// The projections of an activation's values.
    public func callAsFunction(_ values: some Collection<Double>) -> [Double] {
        let words = (projections + 63) / 64
        var sums = [Double](repeating: 0, count: 64 * words)
        sums.withUnsafeMutableBufferPointer { sums in
            for (element, value) in values.enumerated() {
                for word in 0..<words {
                    let signs = signs(element: element, word: word)
                    for bit in 0..<64 {
                        sums[64 * word + bit] += Double(bitPattern: value.bitPattern ^ (signs >> UInt64(bit)) << 63)
                    }
                }
            }
        }
        return Array(sums.prefix(projections))
    }
}

extension Sketch {
    /// What a reference's metadata say of the activations whose sketches it holds.
    public struct Header: Codable, Sendable {
        public var seed: UInt64
        /// The activations' shapes.
        public var shapes: [String: [Int]]
        /// The activations' L2 norms.
        public var norms: [String: Double]

        /// - Throws: ``FileError`` `badData` where the metadata are not such a header, or the signs are made in another way.
        static func read(_ text: String, file: String) throws(FileError) -> Header {
            let header = try? JSONDecoder().decode(Header.self, from: Data(text.utf8))
            guard let header, header.seed == Sketch.seed,
                header.shapes.values.allSatisfy({ $0.allSatisfy { 0...1 << 20 ~= $0 } })
            else {
                throw FileError(
                    .badData, file: file, place: "sketch", "not a sketch's metadata",
                    expected: "seed \(Sketch.seed), shapes and norms")
            }
            return header
        }

        /// - Throws: ``FileError`` `badData` where an activation lacks a shape or a norm, or its tensor holds no projections.
        func check(_ file: Checkpoint, names: Set<String>) throws(FileError) {
            for name in names.sorted() {
                guard let entry = file.entries[name] else { continue }
                guard shapes[name].flatMap({ byteCount(of: $0, .float64) }) != nil, norms[name] != nil,
                    entry.dataType == .float64, entry.shape.count == 1,
                    1...Sketch.mostProjections ~= entry.shape[0]
                else {
                    throw FileError(
                        .badData, file: file.path, place: name, "not a sketch of an activation",
                        expected:
                            "a shape and a norm in the metadata, and 1 to \(Sketch.mostProjections) projections in float64",
                        found: "\(entry.shape) \(entry.dataType.rawValue)")
                }
            }
        }
    }
}
