// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything
import TestSupport
import Testing

@testable import Segmentation

/// The recipes that are not SAM's own; MedSAM's scaling itself is tested with the model.
@Suite struct RecipeTests {
    let folder = Folder()

    /// A segmenter of a phantom's slice 2 with three boxes that overlap, their corners between pixels.
    func segmenter(_ recipe: Recipe, size: VolumeSize = VolumeSize(i: 23, j: 23, k: 6)) throws -> Segmenter {
        try Phantom(size: size).write(to: folder.file("ct.nii"))
        try FileManager.default.createDirectory(atPath: folder.file("boxes"), withIntermediateDirectories: true)
        try "0 0.4 0.5 0.51 0.57\n1 0.5 0.45 0.53 0.61\n0 0.65 0.6 0.33 0.31\n".write(
            toFile: folder.file("boxes/ct-slice002.txt"), atomically: true, encoding: .utf8)
        let volume = try Volume(contentsOf: folder.file("ct.nii"))
        let slices = SliceGeometry(volume.geometry)
        let boxes = try readBoxes(
            folder.file("boxes"), case: "ct", sliceCount: slices.count, imageSize: slices.imageSize)
        return Segmenter(
            sam: try Sam(path: randomWeights), images: SliceImages(volume, slices, .minmaxSlice), boxes: boxes,
            labels: LabelMap(), recipe: recipe)
    }

    // MARK: The study

    struct Edges: Decodable {
        struct Case: Decodable {
            var height, width: Int
            var grey, result: Data
        }
        var cases: [Case]
    }

    /// To the bit: scikit-image's Sobel filter and NumPy's truncation; see `tools/oracle/export_recipes.py`.
    @Test func edgesAreScikitImagesToTheBit() throws {
        let path = checkout + "Tests/SegmentAnythingTests/Fixtures/recipes/study.json"
        let cases = try JSONDecoder().decode(Edges.self, from: Data(contentsOf: URL(filePath: path))).cases
        #expect(cases.count == 7 && cases.contains { $0.height != $0.width })
        for item in cases {
            let size = PixelSize(width: item.width, height: item.height)
            let isSame = withEdges(Array(item.grey), size: size) == Array(item.result)
            #expect(isSame, "\(size)")
        }
    }

    @Test func aConstantSliceHasNoEdges() {
        #expect(withEdges([7, 7, 7, 7], size: PixelSize(width: 2, height: 2)) == [0, 0, 0, 0])
    }

    /// Put together box by box as the study's code did, each mask over those before.
    @Test func theLastBoxWinsAndCornersAreTruncated() throws {
        let segmenter = try segmenter(.study)
        let result = try segmenter()
        let size = PixelSize(width: 23, height: 23)
        let values = segmenter.images.volume.values(ofSlice: 2, segmenter.images.slices)
        let (least, greatest) = (values.min()!, values.max()!)
        let grey = values.map { UInt8(255 * (Double($0) - Double(least)) / Double(greatest - least) + 0.5) }
        let encoded = try segmenter.sam.encode(RGBImage(size: size, grey: withEdges(grey, size: size)), name: "")
        let corners = [(3, 4, 15, 18), (5, 3, 17, 17), (11, 10, 18, 17)]
        var expected = [UInt16](repeating: 0, count: size.area)
        var contested = 0
        for (label, (x0, y0, x1, y1)) in zip([UInt16(1), 2, 1], corners) {
            let box = PixelBox(x0: Double(x0), y0: Double(y0), x1: Double(x1), y1: Double(y1))
            let mask = try segmenter.sam.predict([Prompt(box: box)], on: encoded)[0].best!.mask
            for (pixel, isInside) in mask.values.enumerated() where isInside {
                contested += expected[pixel] != 0 && expected[pixel] != label ? 1 : 0
                expected[pixel] = label
            }
        }
        #expect(contested > 0 && Set(expected) == [0, 1, 2], "the phantom must show something")
        let isSame = result.labels.labels(ofSlice: 2, segmenter.images.slices) == expected
        #expect(isSame)
        #expect(
            result.boxes.map { [$0.box.x0, $0.box.y0, $0.box.x1, $0.box.y1] }
                == corners.map { [Double($0), Double($1), Double($2), Double($3)] })
        #expect(result.boxes.allSatisfy { (1...3).contains($0.mask) })
    }

    @Test func slicesThatAreNotSquareAreRefused() throws {
        let study = try segmenter(.study, size: VolumeSize(i: 23, j: 17, k: 6))
        let error = #expect(throws: FileError.self) { try study() }
        #expect(error?.kind == .badData && error?.description.contains("23×17") == true)
        _ = try segmenter(.sam, size: VolumeSize(i: 23, j: 17, k: 6))()
    }

    // MARK: MedSAM

    @Test func medsamIsASquareAndTheOneMask() throws {
        let segmenter = try segmenter(.medsam, size: VolumeSize(i: 23, j: 17, k: 6))
        #expect(segmenter.singleMask)
        let result = try segmenter()
        let image = segmenter.images.image(ofSlice: 2)
        let encoded = try segmenter.sam.encode(image, name: "", scaling: .square)
        let prompts = segmenter.boxes[0].boxes.map { Prompt(box: $0.box) }
        let masks = try segmenter.sam.predict(prompts, on: encoded, multimask: false).map { $0[0] }
        #expect(result.boxes.map(\.area) == masks.map(\.mask.area))
        #expect(result.boxes.map(\.score) == masks.map(\.score))
        #expect(result.boxes.allSatisfy { $0.mask == 0 })
    }

    // MARK: Names

    @Test func recipesGoByTheirNames() throws {
        #expect(Recipe.allCases.map(\.name) == ["sam", "study", "medsam"])
        #expect(Recipe(rawValue: "medsam") == .medsam && Recipe(rawValue: "SAM") == nil)
        #expect(try JSONEncoder().encode([Recipe.study]) == Data(#"["study"]"#.utf8))
        #expect(try JSONDecoder().decode([Recipe].self, from: Data(#"["study","sam"]"#.utf8)) == [.study, .sam])
    }

    @Test func onlyTheStudyRefusesOptions() {
        for recipe in [Recipe.sam, .medsam] {
            #expect(recipe.refusal(intensity: .lung, singleMask: true) == nil)
        }
        #expect(Recipe.study.refusal(intensity: nil, singleMask: false) == nil)
        #expect(Recipe.study.refusal(intensity: .minmaxSlice, singleMask: false) == nil)
        let refusal = "takes the best of three masks and --intensity minmax-slice, no other"
        #expect(Recipe.study.refusal(intensity: nil, singleMask: true) == refusal)
        #expect(Recipe.study.refusal(intensity: .softTissue, singleMask: false) == refusal)
    }
}
