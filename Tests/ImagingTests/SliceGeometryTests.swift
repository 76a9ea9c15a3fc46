import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Where slices lie, against numpy and nibabel, on volumes of 3×4×5 voxels each of which holds its own offset.
@Suite struct SliceGeometryTests {
    struct SliceFixture: Decodable, CustomTestStringConvertible {
        static let all: [SliceFixture] = fixtureRows("slices.json", in: .module)

        var name: String
        var file: Data
        var orientation: String
        /// For each axis the offsets of all slices' pixels, and how high a slice is.
        var array, radiological: [[Int]]
        var arrayHeights, radiologicalHeights: [Int]
        var axial: [Bool]

        var testDescription: String { name }
    }

    let folder = Folder()

    private func geometry(_ fixture: SliceFixture) throws -> Geometry {
        try Volume(contentsOf: folder.write("volume.nii", fixture.file)).geometry
    }

    /// `numpy.rot90(volume[:, :, k])`, whatever the affine says.
    @Test(arguments: SliceFixture.all)
    func arrayViewIsRot90(_ fixture: SliceFixture) throws {
        let geometry = try geometry(fixture)
        for (index, axis) in VoxelAxis.allCases.enumerated() {
            let slices = SliceGeometry(geometry, axis: axis, view: .array)
            #expect(slices.imageSize.height == fixture.arrayHeights[index])
            #expect((0..<slices.count).flatMap { slices.offsets(ofSlice: $0) } == fixture.array[index], "axis \(axis)")
        }
    }

    /// The slices of `nibabel.as_closest_canonical`, right and front to the left, front and head on top.
    @Test(arguments: SliceFixture.all)
    func radiologicalViewIsOfTheClosestCanonical(_ fixture: SliceFixture) throws {
        let geometry = try geometry(fixture)
        #expect(geometry.orientation == fixture.orientation)
        for (index, axis) in VoxelAxis.allCases.enumerated() {
            let slices = SliceGeometry(geometry, axis: axis, view: .radiological)
            #expect(slices.imageSize.height == fixture.radiologicalHeights[index])
            let offsets = (0..<slices.count).flatMap { slices.offsets(ofSlice: $0) }
            #expect(offsets == fixture.radiological[index], "axis \(axis)")
        }
    }

    /// A step to the right in a picture is one along the axis that nibabel calls R, or against the one that it calls L.
    @Test(arguments: SliceFixture.all)
    func towardsRightIsAlongTheAxisThatSaysSo(_ fixture: SliceFixture) throws {
        let geometry = try geometry(fixture)
        let letters = Array(fixture.orientation)
        for (index, axis) in VoxelAxis.allCases.enumerated() {
            for view in SliceView.allCases {
                let slices = SliceGeometry(geometry, axis: axis, view: view)
                guard let step = slices.towardsRight else {
                    #expect(geometry.source == .none || ["L", "R"].contains(letters[index]))
                    continue
                }
                let start = SlicePixel(x: 1, y: 1, slice: 1)
                let next = SlicePixel(x: 1 + Int(step.x), y: 1 + Int(step.y), slice: 1)
                let (one, two) = (slices.voxel(at: start), slices.voxel(at: next))
                for (index, axis) in VoxelAxis.allCases.enumerated() {
                    #expect(two[axis] - one[axis] == (letters[index] == "R" ? 1 : letters[index] == "L" ? -1 : 0))
                }
                if view == .radiological { #expect(step == SIMD2(-1, 0)) }
            }
        }
    }

    @Test(arguments: SliceFixture.all)
    func voxelAndPixelAreInverse(_ fixture: SliceFixture) throws {
        let geometry = try geometry(fixture)
        for axis in VoxelAxis.allCases {
            for view in SliceView.allCases {
                let slices = SliceGeometry(geometry, axis: axis, view: view)
                for offset in 0..<geometry.size.count {
                    let voxel = geometry.size.voxel(at: offset)
                    let pixel = slices.pixel(at: voxel)
                    #expect(slices.voxel(at: pixel) == voxel)
                    let place = pixel.y * slices.imageSize.width + pixel.x
                    #expect(slices.offsets(ofSlice: pixel.slice)[place] == offset)
                }
            }
        }
    }

    @Test(arguments: SliceFixture.all)
    func warnsWhereTheAxisIsNotAxial(_ fixture: SliceFixture) throws {
        let geometry = try geometry(fixture)
        for (index, axis) in VoxelAxis.allCases.enumerated() {
            let slices = SliceGeometry(geometry, axis: axis)
            #expect(slices.isAxial == fixture.axial[index])
            let warnings = slices.warnings(file: "ct.nii")
            #expect(warnings.count == (fixture.axial[index] ? 0 : 1))
            #expect(
                warnings.allSatisfy { $0.what.contains("axis \(axis) is not the axial one") && $0.file == "ct.nii" })
        }
    }

    /// Nobody knows, so nothing is said but that the orientation is unknown, which the volume says.
    @Test func unknownOrientationCountsAsAxial() throws {
        let path = folder.write("volume.nii", VolumeFixture.named("neither-1.nii").file)
        let geometry = try Volume(contentsOf: path).geometry
        for axis in VoxelAxis.allCases { #expect(SliceGeometry(geometry, axis: axis).isAxial) }
    }

    // MARK: Slices of volumes

    /// Labels set on a slice come back, and touch no other slice.
    @Test(arguments: SliceFixture.all.prefix(3), SliceView.allCases)
    func labelsComeBack(_ fixture: SliceFixture, _ view: SliceView) throws {
        let geometry = try geometry(fixture)
        for axis in VoxelAxis.allCases {
            let slices = SliceGeometry(geometry, axis: axis, view: view)
            var labels = LabelVolume(geometry: geometry)
            let pixels = (0..<slices.imageSize.area).map { UInt16($0 % 3) }
            labels.setLabels(pixels, ofSlice: 2, slices)
            #expect(labels.labels(ofSlice: 2, slices) == pixels)
            #expect(labels.values.count { $0 == 2 } == pixels.count { $0 == 2 })
        }
    }

    @Test func recordComesBack() throws {
        let record = SlicesRecord(
            volumes: ["ct": VolumeSize(i: 3, j: 4, k: 5), "other": VolumeSize(i: 1, j: 1, k: 1)], axis: .j,
            view: .radiological, intensity: .window(level: -12.5, width: 300))
        try record.write(to: folder.file("slices.json"))
        #expect(try SlicesRecord(contentsOf: folder.file("slices.json")) == record)
    }

    @Test(arguments: [
        ("", "not a record of slices"), ("{}", "no \"volumes\""), ("[1]", "not a record of slices"),
        (
            #"{"volumes": {"a": {"i": 1, "j": 1, "k": 1}}, "axis": "x", "view": "array", "intensity": "lung"}"#,
            "\"axis\": "
        ),
        (
            #"{"volumes": {"a": {"i": 1, "j": 1, "k": 1}}, "axis": "k", "view": "array", "intensity": "window:1,0"}"#,
            "\"window:1,0\" is not window:LEVEL,WIDTH"
        ),
    ])
    func badRecords(_ text: String, _ expected: String) {
        let path = folder.write("slices.json", text.utf8)
        expectError(.badData, expected) { _ = try SlicesRecord(contentsOf: path) }
    }
}
