// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Label volumes: what a file must be to be one, and that what is written says the same about the world.
@Suite struct LabelVolumeTests {
    let folder = Folder()

    // MARK: Reading

    /// As the study stored them: 0, 51, 102… with a slope of 1/51.
    @Test func slopeIsAppliedAndRounded() throws {
        let fixture = VolumeFixture.named("labels-51.nii.gz")
        let labels = try LabelVolume(contentsOf: folder.write(fixture.name, fixture.file))
        #expect(labels.values == fixture.floats.map { UInt16($0.rounded()) })
        #expect(Set(labels.values) == [0, 1, 2, 3, 4, 5])
    }

    /// A value between labels, below 0, above 65535, not a number: named with its voxel.
    @Test(arguments: [
        (Float(2.5), "2.5"), (-1, "-1.0"), (65_536, "65536.0"), (.nan, "nan"), (.infinity, "inf"), (3.002, "3.002"),
    ])
    func valuesThatAreNoLabels(_ value: Float, _ text: String) {
        let path = floats { $0 == 17 ? value : Float($0) }
        expectError(.badData, "voxel (2, 1, 2): not a label: expected a whole number from 0 to 65535, found \(text)") {
            _ = try LabelVolume(contentsOf: path)
        }
    }

    @Test func valuesThatAreNearlyLabels() throws {
        let path = floats { Float($0) + ($0 % 2 == 0 ? 0.0005 : -0.0005) + ($0 == 23 ? 65_512 : 0) }
        #expect(try LabelVolume(contentsOf: path).values == (0..<23).map { UInt16($0) } + [65_535])
    }

    /// A volume of 3×2×4 such values.
    private func floats(_ value: (Int) -> Float) -> String {
        var bytes = VolumeFixture.named("f4-little-1.nii").bytes
        for index in 0..<24 { bytes = bytes.with(value(index), at: 352 + 4 * index) }
        return folder.write("floats.nii", bytes)
    }

    // MARK: Writing

    /// Every kind of file a volume can come from: both versions, all forms, extensions, scaled, 2-D.
    static let sources = VolumeFixture.all.filter { $0.bytes.count < 1000 || $0.name.contains("gzip") }

    @Test(arguments: sources)
    func labelsAreWrittenAsTheyAre(_ fixture: VolumeFixture) throws {
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        for greatest in [UInt16(255), 256, 65_535] {
            var labels = LabelVolume(geometry: volume.geometry)
            #expect(labels.values.allSatisfy { $0 == 0 })
            for index in labels.values.indices { labels.values[index] = UInt16(index * 11 % 200) }
            labels.values[0] = greatest
            for name in ["labels.nii", "labels.nii.gz"] {
                try labels.write(to: folder.file(name))
                let read = try LabelVolume(contentsOf: folder.file(name))
                #expect(read.values == labels.values)
                #expect(read.geometry.affine == volume.geometry.affine)
                #expect(read.geometry.source == volume.geometry.source)
                #expect(read.geometry.size == volume.size)
            }
            let size = volume.geometry.header?.version == 1 ? 352 : 544
            #expect(try fileSize(folder.file("labels.nii")) == size + labels.values.count * (greatest > 255 ? 2 : 1))
        }
    }

    /// Byte by byte: what may differ is what describes the voxels' values, at the places the standard gives it.
    @Test(arguments: sources.filter { $0.name.hasSuffix(".nii") && $0.bytes[0] != 0 })
    func headerIsTheInputs(_ fixture: VolumeFixture) throws {
        let written = try labelsWritten(for: fixture)
        // datatype and bitpix, vox_offset, scl_*, cal_*, intent_*, descrip and aux_file.
        let free: [Range<Int>] =
            isVersion1(fixture)
            ? [56..<74, 108..<120, 124..<132, 148..<252, 328..<344]
            : [12..<16, 80..<104, 168..<208, 240..<344, 508..<524]
        for place in 0..<(isVersion1(fixture) ? 348 : 540) where !free.contains(where: { $0.contains(place) }) {
            #expect(written[place] == fixture.bytes[place], "byte \(place)")
        }
        for field in fields(fixture) {
            #expect(Array(written[field.offset..<field.offset + field.bytes.count]) == field.bytes, "\(field.name)")
        }
    }

    /// A volume in the other byte order gives what its twin gives.
    @Test(arguments: ["i2-little-1.nii", "i2-little-2.nii", "f8-little-1.nii", "f8-little-2.nii"])
    func otherByteOrderGivesTheSame(_ name: String) throws {
        let swapped = VolumeFixture.named(name.replacingOccurrences(of: "little", with: "big"))
        #expect(try labelsWritten(for: swapped) == labelsWritten(for: .named(name)))
    }

    @Test func sameLabelsGiveSameBytes() throws {
        let fixture = VolumeFixture.named("gzip-1-little.nii.gz")
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        var labels = LabelVolume(geometry: volume.geometry)
        labels[VoxelIndex(i: 2, j: 0, k: 3)] = 7
        try labels.write(to: folder.file("a.nii.gz"))
        try labels.write(to: folder.file("another-name.nii.gz"))
        let bytes = [UInt8](try readFile(folder.file("a.nii.gz"), limit: .picture))
        #expect(try bytes == [UInt8](readFile(folder.file("another-name.nii.gz"), limit: .picture)))
        // RFC 1952: no name and no time (flags and mtime are 0), so that only the labels decide.
        #expect(bytes.prefix(8) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
    }

    /// The compressed file holds the bytes of the other.
    @Test func compressionChangesNothing() throws {
        let fixture = VolumeFixture.named("both-2.nii")
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        let labels = LabelVolume(geometry: volume.geometry)
        try labels.write(to: folder.file("plain.nii"))
        try labels.write(to: folder.file("small.nii.gz"))
        let unpacked = try start(of: folder.file("small.nii.gz"), 10_000)
        #expect(unpacked == [UInt8](try readFile(folder.file("plain.nii"), limit: .picture)))
        #expect(try fileSize(folder.file("small.nii.gz")) < 200)
    }

    private func isVersion1(_ fixture: VolumeFixture) -> Bool { fixture.bytes[0] == 0x5C }

    /// The bytes of uncompressed labels in the place of a volume.
    private func labelsWritten(for fixture: VolumeFixture) throws -> [UInt8] {
        let volume = try Volume(contentsOf: folder.write(fixture.name, fixture.file))
        try LabelVolume(geometry: volume.geometry).write(to: folder.file("labels.nii"))
        return [UInt8](try readFile(folder.file("labels.nii"), limit: .picture))
    }

    private typealias Field = (name: String, offset: Int, bytes: [UInt8])

    /// What the header must say about labels of one byte.
    private func fields(_ fixture: VolumeFixture) -> [Field] {
        func bytes<Number: BitwiseCopyable>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
        let text = Array("swift-sam labels".utf8) + [UInt8](repeating: 0, count: 64 + 24)
        return isVersion1(fixture)
            ? [
                ("intent", 56, [UInt8](repeating: 0, count: 14)), ("datatype", 70, bytes(Int16(2))),
                ("bitpix", 72, bytes(Int16(8))), ("vox_offset", 108, bytes(Float(352))),
                ("scl_slope", 112, bytes(Float(1))), ("scl_inter", 116, bytes(Float(0))),
                ("cal", 124, bytes(Int64(0))), ("descrip", 148, text), ("extensions", 348, [0, 0, 0, 0]),
            ]
            : [
                ("datatype", 12, bytes(Int16(2))), ("bitpix", 14, bytes(Int16(8))),
                ("intent", 80, [UInt8](repeating: 0, count: 24)), ("vox_offset", 168, bytes(Int64(544))),
                ("scl_slope", 176, bytes(1.0)), ("scl_inter", 184, bytes(0.0)),
                ("cal", 192, [UInt8](repeating: 0, count: 16)), ("descrip", 240, text),
                ("extensions", 540, [0, 0, 0, 0]),
            ]
    }
}
