// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import TestSupport
import Testing

@testable import Imaging

/// A NIfTI volume with nibabel's values and affine.
struct VolumeFixture: Decodable, CustomTestStringConvertible {
    static let all: [VolumeFixture] = fixtureRows("volumes.json", in: .module)

    static func named(_ name: String) -> VolumeFixture { all.first { $0.name == name }! }

    var name: String
    var file: Data
    var size: [Int]
    /// Little-endian single precision.
    var values: Data
    /// Three rows of four.
    var affine: [Double]
    var orientation: String
    var source: String
    var millimetresPerUnit: Double
    /// A word of each warning that is due.
    var warnings: [String]

    var testDescription: String { name }
    var bytes: [UInt8] { [UInt8](file) }
    var floats: [Float] { values.floats }
}

extension Data {
    var floats: [Float] {
        withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
            }
        }
    }
}

extension Geometry {
    /// A volume of this size in memory, one millimetre a voxel.
    static func plain(i: Int, j: Int, k: Int) -> Geometry {
        Geometry(
            size: VolumeSize(i: i, j: j, k: k),
            affine: Affine(alongI: [1, 0, 0], alongJ: [0, 1, 0], alongK: [0, 0, 1], origin: .zero))
    }
}

/// The first bytes of a file, inflated where it is compressed.
func start(of path: String, _ count: Int) throws -> [UInt8] {
    var file = try GzipReader(path)
    return try file.read(count)
}
