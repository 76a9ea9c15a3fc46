import Annotations
import Foundation
import ImageFrames
import Imaging
import PictureFiles
import SafeFiles
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Segmentation

/// The main job on a phantom: its result against the same put together voxel by voxel from the model's answers.
@Suite(.serialized) struct SegmenterTests {
    let folder = Folder()
    let phantom = Phantom()
    let volume: Volume
    let boxes: [SliceBoxes]
    let segmenter: Segmenter

    init() throws {
        try phantom.write(to: folder.file("ct.nii"))
        try phantom.writeBoxes(to: folder.file("boxes"))
        volume = try Volume(contentsOf: folder.file("ct.nii"))
        let slices = SliceGeometry(volume.geometry)
        boxes = try readBoxes(
            folder.file("boxes"), case: "ct", sliceCount: slices.count, imageSize: slices.imageSize)
        segmenter = Segmenter(
            sam: try Sam(path: randomWeights), images: SliceImages(volume, slices, .softTissue), boxes: boxes,
            labels: try LabelMap("0=3,1=300,7=-", classes: nil))
    }

    @Test func everyVoxelHasTheLabelOfTheBestMask() throws {
        let result = try segmenter()
        var expected = LabelVolume(geometry: volume.geometry)
        for slice in boxes {
            // The picture that people saw: row y, column x is voxel i = x, j = 16 − y.
            var grey: [UInt8] = []
            for y in 0..<17 {
                for x in 0..<23 {
                    let value = Double(phantom.value(VoxelIndex(i: x, j: 16 - y, k: slice.slice)))
                    grey.append(UInt8(255 * min(max((value - 40 + 200) / 400, 0), 1) + 0.5))
                }
            }
            let encoded = try segmenter.sam.encode(
                RGBImage(size: PixelSize(width: 23, height: 17), grey: grey), name: "slice")
            var best = [Float](repeating: -.infinity, count: 23 * 17)
            for box in slice.boxes where box.classID != 7 {
                // One prompt at a time, where the segmenter asks for all at once.
                let answer = try #require(try segmenter.sam.predict([Prompt(box: box.box)], on: encoded)[0].best)
                for y in 0..<17 {
                    for x in 0..<23 where answer.logits[y, x] > 0 && answer.score > best[y * 23 + x] {
                        best[y * 23 + x] = answer.score
                        expected[VoxelIndex(i: x, j: 16 - y, k: slice.slice)] = box.classID == 0 ? 3 : 300
                    }
                }
            }
        }
        #expect(Set(expected.values) == [0, 3, 300], "the phantom must show something")
        #expect(result.labels.values == expected.values)
    }

    @Test func onlySlicesWithWantedBoxesAreEncoded() throws {
        var done: [Int] = []
        let result = try segmenter(progress: { done.append($0) })
        #expect(done == [1, 2, 3, 4], "slices 1 to 4; slice 5 has only a class that is left out")
        #expect(result.boxes.map(\.slice) == [1, 2, 2, 3, 3, 4, 4])
        #expect(result.labels.values.prefix(23 * 17).allSatisfy { $0 == 0 }, "slice 0 has no boxes")
    }

    @Test func theResultDoesNotDependOnThreads() throws {
        let results = try [1, 2, 3, 7].map { threads in try Threads.with(threads) { try segmenter() } }
        for result in results.dropFirst() {
            #expect(result.labels.values == results[0].labels.values)
            #expect(result.boxes.map(\.score) == results[0].boxes.map(\.score))
        }
    }

    @Test func singleMaskTakesMaskZero() throws {
        let single = Segmenter(
            sam: segmenter.sam, images: segmenter.images, boxes: boxes, labels: segmenter.labels, singleMask: true)
        #expect(try single().boxes.allSatisfy { $0.mask == 0 })
        #expect(try segmenter().boxes.allSatisfy { (1...3).contains($0.mask) })
    }

    @Test func nothingMarkedIsAnEmptyVolume() throws {
        let none = Segmenter(
            sam: segmenter.sam, images: segmenter.images, boxes: [],
            labels: LabelMap())
        let result = try none()
        #expect(result.labels.values == [UInt16](repeating: 0, count: phantom.size.count))
        #expect(result.boxes.isEmpty)
    }

    // MARK: The manifest

    /// As a program that uses the library would: read the boxes, run, write.
    @Test func aRunWritesLabelsAndWhatTheyWereMadeFrom() async throws {
        let path = folder.file("ct.nii")
        let annotated = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(path).files, slicing: Slicing(view: .array))
        let own = try #require(annotated.volumes.first)
        #expect(annotated.volumes.count == 1 && annotated.warnings.isEmpty)
        #expect(Set(annotated.files) == Set(boxes.flatMap(\.files) + [path]))
        let settings = SegmentationSettings(
            sam: segmenter.sam, labels: segmenter.labels, version: "1", loadSeconds: 1)
        let run = try SegmentationRun(own, settings)
        var done: [Int] = []
        let result = try await run { done.append($0) }
        #expect(done == [1, 2, 3, 4] && run.sliceCount == 4)
        #expect(result.segmentation.labels.values == (try segmenter().labels.values))

        try result.write(to: folder.file("labels.nii.gz"))
        #expect(try LabelVolume(contentsOf: folder.file("labels.nii.gz")).values == result.segmentation.labels.values)
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder.file("labels.json"))))
        // From its own folder, with every link in the way to it followed; or as a path that holds everywhere.
        #expect(manifest.input.path == "ct.nii" && manifest.boxFiles.path == "boxes")
        #expect(manifest.weights.path.hasPrefix("../") && manifest.weights.path.hasSuffix("small.weights.safetensors"))
        #expect(manifest.boxes.allSatisfy { $0.file.hasPrefix("boxes/ct-slice") })
        try makeFolder(folder.file("deep/er"))
        try result.write(to: folder.file("deep/er/labels.nii.gz"), naming: .absolute)
        let absolute = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder.file("deep/er/labels.json"))))
        #expect(absolute.input.path == path)
        #expect(absolute.output?.path == folder.file("deep/er/labels.nii.gz"))
        try result.write(to: folder.file("deep/er/other.nii.gz"))
        let deeper = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder.file("deep/er/other.json"))))
        #expect(deeper.input.path == "../../ct.nii" && deeper.output?.path == "other.nii.gz")
        #expect(manifest.output?.sha256 == (try sha256(ofFile: folder.file("labels.nii.gz"))))
        #expect(manifest.kernels == .current && !manifest.kernels.openBLAS.isEmpty)
        #expect(manifest.labels == ["3": .init(3, name: nil), "300": .init(300, name: nil)])
        #expect(manifest.record == nil)
        #expect(manifest.input.sha256 == (try sha256(ofFile: path)))
        #expect(manifest.boxFiles.files == 5)
        #expect(manifest.weights.sha256 == (try sha256(ofFile: randomWeights)))
        #expect(manifest.options.labels == ["0": 3, "1": 300, "7": UInt16?.none])
        #expect(manifest.options.recipe == .sam && manifest.options.intensity == .softTissue)
        #expect(manifest.boxes.count == 7)
        #expect(manifest.boxes.map(\.box) == result.segmentation.boxes.map(\.box))
        let voxels = result.segmentation.labels.values.count { $0 == 3 }
        let amount = try #require(manifest.amounts["3"])
        #expect(amount.boxes == 4 && amount.slices == 4 && amount.voxels == voxels)
        // 0.7 × 0.9 × 2.5 mm a voxel; the header has single precision, and the manifest thousandths.
        #expect(abs(amount.millilitres - Double(voxels) * 1.575e-3) < 5e-4 + 1e-6 * Double(voxels))
        #expect(manifest.conflictPixels == result.segmentation.conflicts.reduce(0) { $0 + $1.pixels })
    }

    @Test func manifestsAreNamedAfterLabels() {
        #expect(LabelsRecord.path(besideLabels: "a.b/labels.nii.gz") == "a.b/labels.json")
        #expect(LabelsRecord.path(besideLabels: "labels.nii") == "labels.json")
    }

    /// Between the checks of boxes and the volume's turn in a long run.
    @Test func aVolumeThatWasReplacedIsAnErrorOfItsOwn() throws {
        let annotated = try AnnotatedVolumes(folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files)
        let settings = SegmentationSettings(sam: segmenter.sam, version: "1")
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 7)).write(to: folder.file("ct.nii"))
        let error = #expect(throws: FileError.self) { try SegmentationRun(annotated.volumes[0], settings) }
        #expect(error?.kind == .badData && error?.what == "replaced since its boxes were checked")
    }

    @Test func thePictureShowsLabelsAndBoxes() throws {
        var labels = LabelVolume(geometry: volume.geometry)
        labels[VoxelIndex(i: 4, j: 16 - 2, k: 1)] = 1
        let box = PixelBox(x0: 10, y0: 5, x1: 15, y1: 9)
        let image = picture(of: segmenter.images, labels, slices: [1, 2, 3, 4, 0]) { slice in
            slice == 1 ? [(box, UInt16(2))] : []
        }
        // 384 / 23 = 16 times as large, four beside each other with 4 pixels between.
        #expect(image.size == PixelSize(width: 4 * 23 * 16 + 3 * 4, height: 2 * 17 * 16 + 4))
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(image.pixels.dropFirst(3 * (y * image.size.width + x)).prefix(3))
        }
        #expect(pixel(4 * 16, 2 * 16) == [230, 159, 0], "the edge of a labelled voxel is its colour")
        #expect(pixel(10 * 16 + 96 % 6, 5 * 16) == [86, 180, 233], "a dash of the box")
        let inside = pixel(4 * 16 + 8, 2 * 16 + 8)
        #expect(inside[0] > inside[2], "tinted, not grey")
    }
}
