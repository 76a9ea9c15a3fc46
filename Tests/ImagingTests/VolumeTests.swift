import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// NIfTI volumes against nibabel.
@Suite struct VolumeTests {
    let folder = Folder()

    /// Equal to the last bit: both scale in double precision and round once to single.
    @Test(arguments: VolumeFixture.all)
    func valuesAreNibabels(_ fixture: VolumeFixture) throws {
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        #expect([volume.size.i, volume.size.j, volume.size.k] == fixture.size)
        #expect(volume.values.map(comparable) == fixture.floats.map(comparable))
    }

    /// Exactly, where the matrix is stored; within 1e-12 mm where it is made of a quaternion in double precision, some
    /// ten roundings of numbers up to 5 (1e-15 each) in each library.
    @Test(arguments: VolumeFixture.all)
    func affineIsNibabels(_ fixture: VolumeFixture) throws {
        let geometry = try Volume(contentsOf: folder.write(fixture.name, fixture.file)).geometry
        let affine = geometry.affine
        for row in 0..<3 {
            let own = [affine.alongI[row], affine.alongJ[row], affine.alongK[row], affine.origin[row]]
            for column in 0..<4 {
                let difference = abs(own[column] - fixture.affine[4 * row + column])
                #expect(difference <= (fixture.source == "qform" ? 1e-12 : 0), "row \(row), column \(column)")
            }
        }
        #expect(geometry.orientation == fixture.orientation)
        #expect("\(geometry.source)" == fixture.source)
        #expect(geometry.millimetresPerUnit == fixture.millimetresPerUnit)
    }

    @Test(arguments: VolumeFixture.all)
    func warnsWhereOtherToolsDisagree(_ fixture: VolumeFixture) throws {
        let path = folder.write(fixture.name, fixture.file)
        let warnings = try Volume(contentsOf: path).warnings
        #expect(warnings.count == fixture.warnings.count, "\(warnings)")
        for (warning, word) in zip(warnings, fixture.warnings) {
            #expect(warning.what.contains(word))
            #expect(warning.what.contains("ITK"))
            #expect(warning.file == path)
        }
    }

    /// In millimetres, whatever the file's unit is.
    @Test(arguments: [("unit-meter.nii", 1000.0), ("unit-micron.nii", 0.001), ("unit-unknown.nii", 1)])
    func spacing(_ name: String, _ scale: Double) throws {
        let geometry = try Volume(contentsOf: folder.write(name, VolumeFixture.named(name).file)).geometry
        #expect(VoxelAxis.allCases.map { geometry.spacing(along: $0) } == [2 * scale, 3 * scale, 4 * scale])
    }

    @Test func voxelsAreFoundByIndex() throws {
        let fixture = VolumeFixture.named("i2-little-1.nii")
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        for (offset, value) in fixture.floats.enumerated() {
            let voxel = VoxelIndex(i: offset % 3, j: offset / 3 % 2, k: offset / 6)
            #expect(volume[voxel] == value)
            #expect(volume.size.offset(of: voxel) == offset)
            #expect(volume.size.voxel(at: offset) == voxel)
        }
    }

    /// 2 MiB, so that several reads are needed, with voxels across their ends where they begin at an odd byte. The
    /// checksum after them counts although the voxels are all there.
    @Test(arguments: [352, 357])
    func largeCompressedVolume(_ offset: Int) throws {
        var bytes = Array(VolumeFixture.named("f8-little-1.nii").bytes.prefix(348))
        bytes += [UInt8](repeating: 0, count: offset - 348)
        bytes = bytes.with(Int16(300), at: 42).with(Int16(300), at: 44).with(Int16(3), at: 46)
            .with(Float(offset), at: 108)
        let values = (0..<270_000).map { Double($0) * 0.5 }
        let file = try GzipWriter(folder.write("large.nii.gz", ""), for: "large.nii.gz", compressed: true)
        try file.write(bytes + values.withUnsafeBytes { Array($0) })
        try file.close()
        #expect(try Volume(contentsOf: folder.file("large.nii.gz")).values == values.map { Float($0) })

        // Bombs: 65 MiB of zeros after the voxels; and 1024³ voxels in 1.1 MB, refused by the header.
        let bomb = try GzipWriter(folder.write("bomb.nii.gz", ""), for: "bomb.nii.gz", compressed: true)
        try bomb.write(bytes + values.withUnsafeBytes { Array($0) })
        for _ in 0..<65 { try bomb.write([UInt8](repeating: 0, count: 1 << 20)) }
        try bomb.close()
        expectError(.badData, "too much after the voxels: expected at most 67108864 bytes") {
            _ = try Volume(contentsOf: folder.file("bomb.nii.gz"))
        }
        let wide = bytes.with(Int16(1024), at: 42).with(Int16(1024), at: 44).with(Int16(1024), at: 46)
            .with(Int16(2), at: 70).with(Int16(8), at: 72)
        expectError(.badData, "too many voxels for so short a file") {
            _ = try Volume(contentsOf: folder.write("wide.nii", wide + [UInt8](repeating: 0, count: 1_100_000)))
        }

        var damaged = [UInt8](try readFile(folder.file("large.nii.gz"), limit: .picture))
        damaged[damaged.count - 8] ^= 1
        let path = folder.write("damaged.nii.gz", damaged)
        expectError(.badData, "the compressed data is damaged or cut short") { _ = try Volume(contentsOf: path) }
    }

    /// NaN and infinity do not count; nil where there is nothing else.
    @Test func rangeIsOfFiniteValues() throws {
        let fixture = VolumeFixture.named("f4-little-1.nii")
        var volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        #expect(volume.values.contains { $0.isNaN })
        let finite = fixture.floats.filter(\.isFinite).sorted()
        #expect(volume.range?.lowerBound == finite.first)
        #expect(volume.range?.upperBound == finite.last)
        volume.values = [.nan, .infinity, -.infinity]
        #expect(volume.range == nil)
    }

    /// There is air, which can be −500 at the edge of lungs, and as much soft tissue as bone; padding is neither, nor is
    /// what resampling makes of its edge.
    @Test(
        arguments: [
            ([-1000, 0, 100], true), ([-500, 3], true), ([-499.9, 3000], false), ([0, 255], false), ([.nan], false),
            ([-.infinity, 10], false),
            // Padded: in Hounsfield units, and 1024 above them.
            ([-3024, -3024, -1000, 40, 700], true), ([-2000, -2000, 24, 24, 24, 1064], false),
            // Padding that only looks like air, and tissue near 1000.
            ([-1024, -1024, 24, 1064, 1064, 930], false), ([-1024, -1024, -1000, -1000, 40, -90, 1200], true),
            // The edge of the padding between −2000 and 24, and between −3024 and −1000.
            ([-2000, -1700, -1200, -900, -600, 24, 24, 1064], false),
            ([-3024, -2500, -1500, -1000, -990, -1010, -1020, -995, 40], true),
        ] as [([Float], Bool)])
    func looksLikeHounsfield(_ values: [Float], _ expected: Bool) throws {
        let fixture = VolumeFixture.named("i2-little-1.nii")
        var volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        volume.values = values
        #expect(volume.looksLikeHounsfield == expected)
    }
}

/// The bits of a value, of which every NaN has the same.
private func comparable(_ value: Float) -> UInt32 {
    value.isNaN ? Float.nan.bitPattern : value.bitPattern
}
