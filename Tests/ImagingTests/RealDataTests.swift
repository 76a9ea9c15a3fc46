import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Files that scanners and other programs wrote.
@Suite(.needsSharedData)
struct RealDataTests {
    let folder = Folder()

    /// 3 mm, int16, RAS+; the figures are nibabel's.
    @Test func abdomen() throws {
        let volume = try Volume(contentsOf: "\(sharedData)/ct_abdomen/ct.nii.gz")
        #expect(volume.size == VolumeSize(i: 122, j: 101, k: 30))
        #expect(volume.geometry.orientation == "RAS")
        #expect(VoxelAxis.allCases.map { volume.geometry.spacing(along: $0) } == [3, 3, 3])
        #expect(volume.warnings.isEmpty)
        #expect(volume.looksLikeHounsfield)
        #expect(volume.range == -1100...1207)
        #expect(volume.values.reduce(0) { $0 + Double($1) } == -130_894_872)
        #expect(SliceGeometry(volume.geometry).isAxial)
    }

    @Test func organs() throws {
        let organs = try LabelVolume(contentsOf: "\(sharedData)/ct_abdomen/organs.nii.gz")
        #expect(counts(organs) == [312_954, 9_452, 3_947, 3_676, 38_634, 997])
        try organs.write(to: folder.file("organs.nii.gz"))
        #expect(try LabelVolume(contentsOf: folder.file("organs.nii.gz")).values == organs.values)
    }

    /// Stored as multiples of 51 with a slope of 1/51 and both orientation codes 0.
    @Test func crowdLabels() throws {
        let labels = try LabelVolume(contentsOf: "\(sharedData)/crowd/label0001-sam-vit-h.nii.gz")
        #expect(labels.size == VolumeSize(i: 512, j: 512, k: 147))
        #expect(counts(labels) == [36_351_999, 264_231, 165_197, 142_985, 1_540_165, 70_591])
        #expect(labels.warnings.count == 1)
        #expect(labels.warnings.first?.what.contains("orientation is unknown") == true)
    }

    /// How many voxels each label has, 0 to 5.
    private func counts(_ labels: LabelVolume) -> [Int] {
        labels.values.reduce(into: [Int](repeating: 0, count: 6)) { $0[Int($1)] += 1 }
    }
}
