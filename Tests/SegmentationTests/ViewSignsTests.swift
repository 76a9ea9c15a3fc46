// swift-format-ignore-file: NeverForceUnwrap

import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything
import TestSupport
import Testing

@testable import Segmentation

/// An abdomen of fat with organs, a spine behind and gas in front, stored in any orientation, and boxes around the organs.
private struct Abdomen {
    /// Where the axes i and j point: 1 towards right and front.
    var (right, front) = (1.0, 1.0)
    let size = VolumeSize(i: 61, j: 51, k: 5)

    /// Each with its middle, towards right and front, its radii in voxels, and its value.
    static let organs: [(name: String, x: Double, y: Double, rx: Double, ry: Double, value: Float)] = [
        ("spleen", -17, -4, 4, 6, 60), ("right kidney", 10, -9, 3, 3, 50), ("left kidney", -9, -10, 3, 3, 50),
        ("liver", 13, 5, 9, 8, 60), ("aorta", -3, -5, 2, 2, 50),
    ]

    func value(_ voxel: VoxelIndex) -> Float {
        let (x, y) = ((Double(voxel.i) - 30) * right, (Double(voxel.j) - 25) * front)
        func isIn(_ x0: Double, _ y0: Double, _ rx: Double, _ ry: Double) -> Bool {
            let (a, b) = ((x - x0) / rx, (y - y0) / ry)
            return a * a + b * b <= 1
        }
        guard isIn(0, 0, 27, 20) else { return -1000 }
        if isIn(0, -13, 4, 4) { return 500 }
        if isIn(-8, 12, 5, 3) { return -900 }
        return Self.organs.first { isIn($0.x, $0.y, $0.rx, $0.ry) }?.value ?? -100
    }

    var geometry: Geometry {
        Geometry(
            size: size,
            affine: Affine(alongI: [5 * right, 0, 0], alongJ: [0, 5 * front, 0], alongK: [0, 0, 5], origin: .zero))
    }

    var volume: Volume {
        Volume(
            file: "ct.nii", geometry: geometry, values: (0..<size.count).map { value(size.voxel(at: $0)) })
    }

    func write(to path: String) throws {
        try writeNIfTI(
            to: path, size: size, type: (16, 32), spacing: (5, 5, 5),
            rows: [Float(5 * right), 0, 0, 0, 0, Float(5 * front), 0, 0, 0, 0, 5, 0], values: volume.values)
    }

    /// YOLO lines of slices 1 to 3, around the organs as they are seen in a view; class ids are places in `organs`.
    func writeBoxes(drawnIn view: SliceView, to folder: Folder) {
        let slices = SliceGeometry(geometry, view: view)
        let lines = Self.organs.enumerated().map { classID, organ in
            let corners = [-1.0, 1].map { sign in
                slices.pixel(
                    at: VoxelIndex(
                        i: Int(30 + (organ.x + sign * organ.rx) * right),
                        j: Int(25 + (organ.y + sign * organ.ry) * front),
                        k: 0))
            }
            let (width, height) = (Double(slices.imageSize.width), Double(slices.imageSize.height))
            let x = Double(corners[0].x + corners[1].x + 1) / 2 / width
            let y = Double(corners[0].y + corners[1].y + 1) / 2 / height
            return "\(classID) \(x) \(y) \((2 * organ.rx + 1) / width) \((2 * organ.ry + 1) / height)\n"
        }
        for slice in 1...3 { folder.write("boxes/ct-slice00\(slice).txt", lines.joined()) }
    }
}

/// Anatomy against the view in which boxes are read.
@Suite struct ViewSignsTests {
    let folder = Folder()

    private func classes() throws -> ClassList {
        folder.write("classes.txt", Abdomen.organs.map(\.name).joined(separator: "\n"))
        return try ClassList(contentsOf: folder.file("classes.txt"))
    }

    private func signs(_ abdomen: Abdomen, readAs view: SliceView, named: Bool = true) throws -> [String] {
        let volume = abdomen.volume
        let slices = SliceGeometry(volume.geometry, view: view)
        let boxes = try readBoxes(
            folder.file("boxes"), case: "ct", sliceCount: slices.count, imageSize: slices.imageSize)
        return ViewSigns(boxes, classes: named ? try classes() : nil, volume: volume, slices: slices).found
    }

    /// In each orientation and view: read as they were drawn, boxes have no sign but that the array's picture stands on its
    /// head where it does; read in the other view, where that is another, they have two or three.
    @Test(arguments: [(1.0, 1.0), (-1, 1), (-1, -1), (1, -1)], SliceView.allCases)
    func twoSignsWhereTheViewIsWrong(to directions: (right: Double, front: Double), drawnIn view: SliceView) throws {
        let abdomen = Abdomen(right: directions.right, front: directions.front)
        abdomen.writeBoxes(drawnIn: view, to: folder)
        let other: SliceView = view == .array ? .radiological : .array
        #expect(try signs(abdomen, readAs: view).filter { $0 != "the spine is on top" } == [])
        let wrong = try signs(abdomen, readAs: other)
        // Left-anterior: the array's view is the radiological one.
        guard directions != (-1, 1) else { return #expect(wrong.isEmpty) }
        #expect(wrong.count == (other == .array && directions.front < 0 ? 3 : 2), "\(wrong)")
        #expect(wrong[0].contains(directions.right > 0 ? "right side lie on its left" : "back lie in front"))
        #expect(wrong[1].contains("is soft tissue"))
        // Without names: what is in the boxes, and the spine.
        #expect(try signs(abdomen, readAs: other, named: false) == Array(wrong.dropFirst()))
    }

    /// Two signs stop a run whose view nobody chose: one that is assumed, or that a record says which was found.
    @Test func aRunStopsOnlyWhereTheViewIsNotChosen() throws {
        let abdomen = Abdomen(right: -1, front: -1)
        try abdomen.write(to: folder.file("ct.nii"))
        abdomen.writeBoxes(drawnIn: .radiological, to: folder)
        let (classes, sam) = (try classes(), try Sam(path: randomWeights))
        func run(_ slicing: Slicing) throws -> [Warning] {
            let annotated = try AnnotatedVolumes(
                folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files, slicing: slicing, classes: classes)
            return try SegmentationRun(
                annotated.volumes[0], SegmentationSettings(sam: sam, slicing: slicing, classes: classes, version: "1")
            ).warnings
        }
        expectError(.badData, "the boxes do not fit slices in the view array", about: folder.file("ct.nii")) {
            _ = try run(Slicing())
        }
        let checked = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files, classes: classes
        ).warningsOfViews(classes: classes)
        #expect(checked.map(\.file) == [folder.file("ct.nii")])
        #expect(checked[0].what.contains("drawn on slices in the view array?"), "a check warns and goes on")
        #expect(try run(Slicing(view: .array)).contains { $0.what.contains("drawn on slices in the view array?") })
        #expect(try run(Slicing(view: .radiological)).isEmpty)
        try SlicesRecord(volumes: ["ct": abdomen.size], axis: .k, view: .array, intensity: .softTissue)
            .write(to: folder.file("slices.json"))
        expectError(
            .badData, "do not fit slices in the view array of \(folder.file("slices.json"))",
            about: folder.file("ct.nii")
        ) {
            _ = try run(Slicing())
        }
        #expect(
            try run(Slicing(record: folder.path)).contains { $0.what.contains("drawn on slices in the view array of") })
        #expect(try run(Slicing(intensity: .minmaxSlice, record: folder.path)).count == 1)
    }

    /// What is no CT has no signs: there is nothing to know it by.
    @Test func valuesThatAreNotHounsfieldUnitsHaveNoSigns() throws {
        let abdomen = Abdomen(right: 1, front: -1)
        abdomen.writeBoxes(drawnIn: .radiological, to: folder)
        var volume = abdomen.volume
        volume.values = volume.values.map { max($0, -100) }
        let slices = SliceGeometry(volume.geometry, view: .array)
        let boxes = try readBoxes(
            folder.file("boxes"), case: "ct", sliceCount: slices.count, imageSize: slices.imageSize)
        #expect(ViewSigns(boxes, classes: try classes(), volume: volume, slices: slices).found.isEmpty)
        #expect(!slices.showsUpsideDown(volume))
        #expect(slices.showsUpsideDown(abdomen.volume))
        #expect(!SliceGeometry(volume.geometry, view: .radiological).showsUpsideDown(abdomen.volume))
    }

    /// Boxes whose slices are numbered from the other end.
    private func turned(_ boxes: [SliceBoxes], of slices: SliceGeometry) -> [SliceBoxes] {
        boxes.map { own in
            var own = own
            own.slice = slices.count - 1 - own.slice
            return own
        }
    }

    /// The demo's four annotators, who make mistakes; the other way round their boxes do not fit.
    @Test func noSignsOnTheDemo() throws {
        let volume = try Volume(contentsOf: demo + "/ct.nii.gz")
        let classes = try ClassList(contentsOf: demo + "/class_list.txt")
        for view in SliceView.allCases {
            let slices = SliceGeometry(volume.geometry, view: view)
            #expect(!slices.showsUpsideDown(volume))
            for annotator in 1...4 {
                let boxes = try readBoxes(
                    demo + "/boxes/annotator-\(annotator)", case: "ct", sliceCount: slices.count,
                    imageSize: slices.imageSize)
                let signs = ViewSigns(boxes, classes: classes, volume: volume, slices: slices)
                #expect(signs.found.isEmpty && signs.reversal == nil)
                let reversed = ViewSigns(turned(boxes, of: slices), classes: classes, volume: volume, slices: slices)
                #expect(reversed.reversal != nil)
            }
        }
    }

    /// A real CT: no sign as it is (right-anterior-superior, drawn on the array's view), two in the other view; stored
    /// left-posterior-superior, all three where boxes of radiological pictures are read in the array's.
    @Test(.needsSharedData) func aRealCT() throws {
        let path = sharedData + "/ct_abdomen"
        let volume = try Volume(contentsOf: path + "/ct.nii.gz")
        let classes = try ClassList(contentsOf: path + "/class_list.txt")
        let slices = SliceGeometry(volume.geometry)
        var boxes = try readBoxes(path + "/boxes", case: "ct", sliceCount: slices.count, imageSize: slices.imageSize)
        let signs = ViewSigns(boxes, classes: classes, volume: volume, slices: slices)
        #expect(signs.found.isEmpty && signs.reversal == nil)
        let reversed = ViewSigns(turned(boxes, of: slices), classes: classes, volume: volume, slices: slices)
        // By NumPy: 0.801 and 0.864.
        #expect(
            reversed.reversal == "80% of what the boxes hold is soft tissue, 86% with slices from last to first")
        let radiological = SliceGeometry(volume.geometry, view: .radiological)
        #expect(ViewSigns(boxes, classes: classes, volume: volume, slices: radiological).found.count == 2)

        let (size, old) = (volume.size, volume.geometry.affine)
        let last = old.origin + old.alongI * Double(size.i - 1) + old.alongJ * Double(size.j - 1)
        let turned = Geometry(
            size: size,
            affine: Affine(alongI: -old.alongI, alongJ: -old.alongJ, alongK: old.alongK, origin: last))
        var values: [Float] = []
        for offset in 0..<size.count {
            let voxel = size.voxel(at: offset)
            values.append(volume[VoxelIndex(i: size.i - 1 - voxel.i, j: size.j - 1 - voxel.j, k: voxel.k)])
        }
        let lps = Volume(file: "lps.nii", geometry: turned, values: values)
        #expect(turned.orientation == "LPS")
        // The array's picture of the one is the mirrored radiological picture of both.
        let width = Double(slices.imageSize.width)
        for slice in boxes.indices {
            for index in boxes[slice].boxes.indices {
                let box = boxes[slice].boxes[index].box
                boxes[slice].boxes[index].box = PixelBox(x0: width - box.x1, y0: box.y0, x1: width - box.x0, y1: box.y1)
            }
        }
        let right = SliceGeometry(turned, view: .radiological)
        #expect(ViewSigns(boxes, classes: classes, volume: lps, slices: right).found.isEmpty)
        #expect(ViewSigns(boxes, classes: classes, volume: lps, slices: SliceGeometry(turned)).found.count == 3)
    }
}
