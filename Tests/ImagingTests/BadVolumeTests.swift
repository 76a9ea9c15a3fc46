import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Every way in which a volume can be bad gives one error that names the place, and no allocation before it.
@Suite struct BadVolumeTests {
    let folder = Folder()
    /// 3×2×4 voxels of int16: `dim` is at 40, `datatype` at 70, `pixdim` at 76, `vox_offset` at 108, `scl_slope` at
    /// 112, the codes at 252, `quatern` at 256, `srow` at 280, `magic` at 344 (NIfTI-1); 16, 12, 104, 168, 176, 344,
    /// 352, 400, 4 (NIfTI-2).
    let first = VolumeFixture.named("i2-little-1.nii").bytes
    let second = VolumeFixture.named("i2-little-2.nii").bytes

    private func expectBad(
        _ bytes: some Sequence<UInt8>, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let path = folder.write("bad.nii", bytes)
        expectError(.badData, text, sourceLocation: sourceLocation) { _ = try Volume(contentsOf: path) }
    }

    // MARK: The header

    @Test func notNIfTI() {
        expectBad([], "not a NIfTI volume")
        expectBad([0x1F, 0x8B], "bad.nii")
        expectBad(Array("hello".utf8), "not a NIfTI volume")
        expectBad([UInt8](repeating: 0, count: 1000), "not a NIfTI volume")
        expectBad([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + first, "not a NIfTI volume")  // a PNG's signature
    }

    @Test(arguments: [Int32(0), 347, 349, -348, 540, 1543, Int32.max, Int32.min])
    func headerOfAnotherSize(_ size: Int32) {
        expectBad(first.with(size, at: 0), "not a NIfTI volume")
        if size != 540 { expectBad(second.with(size, at: 0), "not a NIfTI volume") }
    }

    /// "ni1" is a header whose voxels are in an .img file; without a magic it is ANALYZE 7.5.
    @Test func pairsAndOtherMagic() {
        for magic in ["ni1\0", "\0\0\0\0", "n+2\0", "n+1 ", "n-1\0"] {
            expectBad(Array(first.prefix(344)) + Array(magic.utf8) + first.dropFirst(348), ".hdr and .img")
        }
        expectBad(Array(second.prefix(4)) + Array("ni2\0\r\n\u{1A}\n".utf8) + second.dropFirst(12), "not a NIfTI")
        expectBad(second.with(UInt8(10), at: 8), "not a NIfTI volume")  // as a text conversion leaves it
    }

    @Test(arguments: [Int16(0), 8, -1, 768, Int16.max, Int16.min])
    func numberOfDimensions(_ count: Int16) {
        expectBad(first.with(count, at: 40), "dim[0]: not a number of dimensions: expected 1 to 7")
        expectBad(second.with(Int64(count), at: 16), "dim[0]: not a number of dimensions: expected 1 to 7")
        expectBad(second.with(Int64(count) << 32, at: 16), "dim[0]")
    }

    @Test(arguments: [Int16(0), -1, Int16.min], [1, 2, 3])
    func emptySides(_ side: Int16, _ axis: Int) {
        expectBad(first.with(side, at: 40 + 2 * axis), "dim[\(axis)]: the volume is empty")
        expectBad(second.with(Int64(side), at: 16 + 8 * axis), "dim[\(axis)]: the volume is empty")
    }

    @Test(arguments: [4, 5, 6, 7])
    func moreThanOneVolume(_ axis: Int) {
        let bad = first.with(Int16(axis), at: 40).with(Int16(2), at: 40 + 2 * axis)
        expectBad(bad, "dim[\(axis)]: more than one volume: expected 1, found 2")
        expectBad(
            second.with(Int64(axis), at: 16).with(Int64.max, at: 16 + 8 * axis), "dim[\(axis)]: more than one volume")
    }

    /// No volume can be chosen of single slices.
    @Test func slicesAlongTheFourthAxis() {
        let bad = first.with(Int16(4), at: 40).with(Int16(1), at: 46).with(Int16(4), at: 48)
        expectBad(
            bad, "dim[4]: slices along the fourth axis, as of a series in time: expected 1, found 4\nMove them to")
    }

    /// Not a crash by overflow, whichever product overflows.
    @Test func sizesBeyondAnyFile() {
        for sides in [
            (1 << 32, 1 << 32, 1), (1 << 62, 4, 1), (3, 1 << 40, 1 << 40), (Int.max, Int.max, Int.max), (1 << 49, 1, 1),
        ] {
            let bad = second.with(sides.0, at: 24).with(sides.1, at: 32).with(sides.2, at: 40)
            expectBad(bad, "dim: the volume is too large")
        }
    }

    /// 9,000,000,000 voxels in 400 bytes, and 2^48 of them; ``IsolatedTests`` sees to the memory.
    @Test func headerThatAsksFor18GB() {
        let bad = first.with(Int16(30_000), at: 42).with(Int16(10_000), at: 44).with(Int16(30), at: 46)
        expectBad(bad, "the volume is cut short")
        expectBad(second.with(1 << 16, at: 24).with(1 << 16, at: 32).with(1 << 16, at: 40), "the volume is cut short")
    }

    /// Complex numbers, colours, bits, 128-bit floating point, and codes that stand for nothing.
    @Test(arguments: [Int16(0), 1, 32, 128, 1536, 1792, 2048, 2304, 3, 5, 255, -4, Int16.max])
    func typesThatCannotBeRead(_ type: Int16) {
        expectBad(first.with(type, at: 70), "datatype: the voxels are not real numbers that can be read")
        expectBad(second.with(type, at: 12), "datatype: the voxels are not real numbers that can be read")
    }

    @Test func placesWhereVoxelsCannotBegin() {
        for offset: Float in [-1, 0, 348, 351.9, 352.5, .nan, .infinity, -.infinity, 1e30] {
            expectBad(first.with(offset, at: 108), "vox_offset: not where voxels can begin: expected 352 or more")
        }
        for offset: Int64 in [.min, -544, 0, 540, 543, 1 << 40, .max] {
            expectBad(second.with(offset, at: 168), "vox_offset: not where voxels can begin: expected 544 or more")
        }
        expectBad(first.with(Float(6e7), at: 108), "expected 60000000 bytes before the voxels")
        expectBad(first.with(Float(1e9), at: 108), "vox_offset: too much before the voxels: expected at most 67108864")
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func interceptThatIsNoNumber(_ intercept: Float) {
        expectBad(first.with(Float(2), at: 112).with(intercept, at: 116), "scl_inter")
    }

    // MARK: The affine

    @Test(arguments: [Float.nan, .infinity, -.infinity, 3e38])
    func sformOfNoNumbers(_ number: Float) {
        // The last is finite, but the distance it makes is, squared in single precision, not.
        for entry in 0..<12 where number != 3e38 {
            expectBad(first.with(number, at: 280 + 4 * entry), "sform: does not say where the voxels are")
        }
        if number == 3e38 {
            expectBad(first.with(Float(0), at: 280).with(Float(0), at: 300).with(number, at: 292), "sform")
        }
    }

    /// Zeros only, an axis without length, two axes in one direction.
    @Test func sformWithoutThreeAxes() {
        let zeros = Array(first.prefix(280)) + [UInt8](repeating: 0, count: 48) + first.dropFirst(328)
        expectBad(zeros, "sform: does not say where the voxels are: expected three independent finite axes")
        expectBad(first.with(Float(0), at: 300), "sform")
        expectBad(first.with(Float(0), at: 300).with(Float(3), at: 284), "sform")
        expectBad(second.with(0.0, at: 400), "sform")
    }

    /// libnifti takes each of these for 1 mm, nibabel for its absolute value or 1 mm: here it is an error.
    @Test(arguments: [Float(0), -2, .nan, .infinity], [1, 2, 3])
    func voxelSizes(_ size: Float, _ axis: Int) {
        for code: Int16 in [0, 1] {
            let bad = first.with(code, at: 252).with(Int16(0), at: 254).with(size, at: 76 + 4 * axis)
            expectBad(bad, "pixdim[\(axis)]: not the size of a voxel")
        }
    }

    /// Where an axis is one voxel long its size says nothing, and where there is an sform none does.
    @Test func voxelSizesThatDoNotCount() throws {
        let flat = VolumeFixture.named("axes-5x3.nii").bytes.with(Int32(0), at: 252).with(Float(0), at: 88)
        #expect(try Volume(contentsOf: folder.write("flat.nii", flat)).geometry.source == .none)
        let placed = first.with(Float.nan, at: 80)
        #expect(try Volume(contentsOf: folder.write("placed.nii", placed)).geometry.source == .sform)
    }

    @Test func qformThatIsNoRotation() {
        let turned = VolumeFixture.named("oblique-qform-1.nii").bytes
        for entry in 0..<3 {
            for number: Float in [.nan, .infinity, 1.01, -40] {
                expectBad(turned.with(number, at: 256 + 4 * entry), "quatern_b, quatern_c, quatern_d: not a rotation")
            }
            for number: Float in [.nan, .infinity] {
                expectBad(turned.with(number, at: 268 + 4 * entry), "qoffset_x, qoffset_y, qoffset_z: not a place")
            }
        }
    }

    // MARK: The data

    @Test func plainFileCutShort() {
        for bytes in [first, second] {
            for count in 0..<bytes.count { expectBad(bytes.prefix(count), "bad.nii: ") }
            expectBad(bytes.dropLast(), "the volume is cut short: expected 24 voxels of 2 bytes")
        }
    }

    @Test(arguments: ["gzip-1-little.nii.gz", "gzip-2-big.nii.gz", "extension-1600-1-little.nii.gz"])
    func gzipCutShort(_ name: String) {
        let bytes = VolumeFixture.named(name).bytes
        for count in 0..<bytes.count { expectBad(bytes.prefix(count), "bad.nii: ") }
        expectBad(bytes.prefix(bytes.count / 2), "the compressed data is damaged or cut short")
        expectBad(bytes.dropLast(), "the compressed data is damaged or cut short")
    }

    private func gzip(_ bytes: some Sequence<UInt8>) throws -> [UInt8] {
        let path = folder.write("member.gz", "")
        let file = try GzipWriter(path, for: path, compressed: true)
        try file.write(Array(bytes))
        try file.close()
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    /// RFC 1952: the last eight bytes are the checksum and the length. The voxels end where a reading of them does, and where
    /// none does: zlib's `gzread` looks for no checksum there.
    @Test(arguments: [24, 1 << 18, 1 << 20]) func gzipWithoutItsEnd(_ count: Int) throws {
        // One row of so many voxels needs the long sides of NIfTI-2.
        let header = second.with(count, at: 24).with(1, at: 32).with(1, at: 40).with(Int16(2), at: 12)
            .with(Int16(8), at: 14)
        let voxels = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        let bytes = try gzip(header.prefix(544) + voxels)
        #expect(try Volume(contentsOf: folder.write("whole.nii.gz", bytes)).values.count == count)
        for cut in [1, 8, 9, 10] { expectBad(bytes.dropLast(cut), "the compressed data is damaged or cut short") }
        for place in [bytes.count - 8, bytes.count - 1] {
            expectBad(bytes.with(bytes[place] ^ 4, at: place), "the compressed data is damaged or cut short")
        }
        let path = folder.write("bad.nii", bytes.dropLast(9))
        expectError(.badData, "cut short", about: path) { _ = try LabelVolume(contentsOf: path) }
    }

    /// As `cat`, `pigz` and `bgzip` make them, and as gzip reads them: what follows the last member is no part of it.
    @Test func gzipOfSeveralMembers() throws {
        let expected = try Volume(contentsOf: folder.write("whole.nii", first)).values
        let members = try [first.prefix(100), first[100..<370], [], first[370...]].map { try gzip($0) }
        let whole = members.flatMap { $0 }
        for rest in [[], [UInt8](repeating: 0, count: 512), [0x1F], Array("more".utf8)] {
            #expect(try Volume(contentsOf: folder.write("members.nii.gz", whole + rest)).values == expected)
        }
        // A member that is damaged is not what follows the last one.
        for index in members.indices {
            var damaged = members
            damaged[index][damaged[index].count - 6] ^= 1
            expectBad(damaged.flatMap { $0 }, "the compressed data is damaged or cut short")
        }
        expectBad(whole + [0x1F, 0x8B], "the compressed data is damaged or cut short")
        expectBad(members.dropLast().flatMap { $0 } + [1, 2, 3], "the volume is cut short")
    }

    /// What follows the voxels is nobody's business.
    @Test func dataBeyondTheVoxels() throws {
        let bytes = first + [UInt8](repeating: 3, count: 3_000_000)
        #expect(try Volume(contentsOf: folder.write("long.nii", bytes)).values.count == 24)
    }
}
