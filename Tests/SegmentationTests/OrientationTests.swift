import Annotations
import Foundation
import ImageFrames
import Imaging
import TestSupport
import Testing

/// That boxes lie where people drew them: the study's own boxes against the labels that its SAM made from them.
@Suite struct OrientationTests {
    static let crowd = sharedData + "/crowd"

    /// The share of the labelled voxels that lie within a box of their class grown by 10%, at least 99%: it is 99.98% when
    /// the orientation is right, and 65% at most when the picture is mirrored.
    @Test(.needsSharedData) func theCrowdsBoxesHoldTheirLabels() throws {
        let labels = try LabelVolume(contentsOf: Self.crowd + "/label0001-sam-vit-h.nii.gz")
        let slices = SliceGeometry(labels.geometry)
        let boxes = try readBoxes(
            Self.crowd + "/prompts", case: "img0001", sliceCount: slices.count, imageSize: slices.imageSize)
        let classOfLabel: [UInt16: Int] = [1: 0, 2: 1, 3: 2, 4: 5, 5: 7]
        func share(mirrored: (x: Bool, y: Bool)) -> Double {
            var (inside, all) = (0, 0)
            for slice in boxes {
                let pixels = labels.labels(ofSlice: slice.slice, slices)
                for (place, label) in pixels.enumerated() where label != 0 {
                    let (row, column) = place.quotientAndRemainder(dividingBy: slices.imageSize.width)
                    let x = Double(mirrored.x ? slices.imageSize.width - 1 - column : column) + 0.5
                    let y = Double(mirrored.y ? slices.imageSize.height - 1 - row : row) + 0.5
                    all += 1
                    let isInside = slice.boxes.contains { drawn in
                        let (box, classID) = (drawn.box, drawn.classID)
                        let (growX, growY) = (0.05 * box.width, 0.05 * box.height)
                        return classID == classOfLabel[label] && (box.x0 - growX...box.x1 + growX).contains(x)
                            && (box.y0 - growY...box.y1 + growY).contains(y)
                    }
                    inside += isInside ? 1 : 0
                }
            }
            return Double(inside) / Double(all)
        }
        #expect(share(mirrored: (false, false)) >= 0.99)
        for mistake in [(true, false), (false, true), (true, true)] { #expect(share(mirrored: mistake) < 0.7) }
    }
}
