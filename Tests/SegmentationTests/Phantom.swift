// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything
import Testing

/// A small volume, of 23×17×6 voxels unless told otherwise, with two bright bodies, stored left-posterior-superior.
struct Phantom {
    var size = VolumeSize(i: 23, j: 17, k: 6)

    func value(_ voxel: VoxelIndex) -> Int16 {
        let first = (voxel.i - 6) * (voxel.i - 6) + (voxel.j - 5) * (voxel.j - 5) < 16
        let second = abs(voxel.i - 15) < 5 && abs(voxel.j - 10) < 4 && voxel.k > 1
        return first ? 100 : second ? 60 : voxel.i % 5 == 0 ? -1000 : -80
    }

    func write(to path: String, sliceSpacing: Float = 2.5) throws {
        try writeNIfTI(
            to: path, size: size, type: (4, 16), spacing: (0.7, 0.9, sliceSpacing),
            rows: [-0.7, 0, 0, 11, 0, -0.9, 0, 22, 0, 0, sliceSpacing, -33],
            values: (0..<size.count).map { value(size.voxel(at: $0)) })
    }

    /// YOLO lines by slice: class 0 on all, class 1 on slices 2 to 4, class 7 (to be left out) on slice 5.
    func writeBoxes(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for k in 1..<size.k {
            // In the array's view the column is i, and the row counts j from the far end.
            var lines = k == 5 ? ["7 0.5 0.5 0.2 0.2"] : [line(0, i: 3...9, j: 2...8)]
            if (2...4).contains(k) { lines.append(line(1, i: 11...19, j: 7...13)) }
            try lines.joined(separator: "\n").write(
                toFile: folder + String(format: "/ct-slice%03d.txt", k), atomically: true, encoding: .utf8)
        }
    }

    private func line(_ classID: Int, i: ClosedRange<Int>, j: ClosedRange<Int>) -> String {
        let (width, height) = (Double(size.i), Double(size.j))
        let (x0, x1) = (Double(i.lowerBound), Double(i.upperBound + 1))
        let (y0, y1) = (height - Double(j.upperBound + 1), height - Double(j.lowerBound))
        return
            "\(classID) \((x0 + x1) / 2 / width) \((y0 + y1) / 2 / height) \((x1 - x0) / width) \((y1 - y0) / height)"
    }
}

/// The boxes of the only annotator on a volume; throws what is wrong with them.
func readBoxes(
    _ path: String, case name: String, sliceCount: Int, imageSize: PixelSize
) throws -> [SliceBoxes] {
    let source = try BoxSource(path, pattern: .standard, cases: [name])
    let annotator = try source.annotator(ofCase: name, chosen: nil)
    let reading = source.boxes(
        ofCase: name, annotator: annotator, sliceCount: sliceCount, imageSize: imageSize, classes: nil)
    if !reading.errors.isEmpty { throw FileErrors(reading.errors) }
    return reading.slices
}

/// Writes a NIfTI-1 file byte by byte from the standard's table, and not by the code under test.
///
/// - Parameters:
///   - type: the standard's code of the values' type, and its bits.
///   - rows: of the affine, in millimetres.
func writeNIfTI<Value>(
    to path: String, size: VolumeSize, type: (code: Int16, bits: Int16), spacing: (Float, Float, Float), rows: [Float],
    values: [Value]
) throws {
    var bytes = [UInt8](repeating: 0, count: 352)
    func put<Number>(_ number: Number, at offset: Int) {
        withUnsafeBytes(of: number) { for (index, byte) in $0.enumerated() { bytes[offset + index] = byte } }
    }
    put(Int32(348), at: 0)
    for (axis, extent) in [3, size.i, size.j, size.k, 1, 1, 1, 1].enumerated() {
        put(Int16(extent), at: 40 + 2 * axis)
    }
    put(type.code, at: 70)
    put(type.bits, at: 72)
    for (axis, spacing) in [1, spacing.0, spacing.1, spacing.2].enumerated() { put(spacing, at: 76 + 4 * axis) }
    put(Float(352), at: 108)
    put(Float(1), at: 112)
    bytes[123] = 2  // millimetres
    put(Int16(1), at: 254)
    for (index, number) in rows.enumerated() { put(number, at: 280 + 4 * index) }
    for (index, byte) in "n+1\0".utf8.enumerated() { bytes[344 + index] = byte }
    for value in values { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
    try Data(bytes).write(to: URL(filePath: path))
}
