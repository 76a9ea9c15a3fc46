// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import Imaging
import SafeFiles
import SegmentAnything
import Tensors
import TestSupport
import Testing

@testable import Segmentation

/// Filled volumes against the same put together from the model's answers, and runs that go on against runs from nothing.
@Suite(.serialized) struct FillingTests {
    let folder = Folder()
    let sam: Sam
    var labels: String { folder.file("labels.nii.gz") }

    /// A volume of 23×17×12 voxels, with boxes of class 0 on slices 1, 4, 7 and 9, of class 1 on 4, 5 and 7.
    init() throws {
        sam = try Sam(path: randomWeights)
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 12)).write(to: folder.file("ct.nii"))
        for slice in [1, 4, 7, 9] { write(slice, [first(slice)]) }
        write(4, [first(4), "1 0.6 0.4 0.4 0.4"])
        write(5, ["1 0.62 0.42 0.4 0.4"])
        write(7, [first(7), "1 0.66 0.46 0.36 0.36"])
    }

    private func first(_ slice: Int) -> String { "0 \(0.3 + 0.02 * Double(slice)) 0.7 0.35 0.4" }

    private func write(_ slice: Int, _ lines: [String]) {
        folder.write(String(format: "boxes/ct-slice%03d.txt", slice), lines.joined(separator: "\n"))
    }

    private func settings(_ filling: Filling, version: String = "1") throws -> SegmentationSettings {
        var settings = SegmentationSettings(
            sam: sam, labels: try .init("0=3,1=300", classes: nil), slicing: Slicing(view: .array), version: version)
        settings.filling = filling
        return settings
    }

    private func plan(
        _ settings: SegmentationSettings, _ mode: VolumePlan.Mode = .changes, slices: ClosedRange<Int>? = nil,
        labels: String? = nil
    ) async throws -> VolumePlan {
        let volumes = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files, slicing: Slicing(view: .array),
            slices: slices)
        return try await VolumePlan(volumes.volumes[0], settings, labels: labels ?? self.labels, mode: mode)
    }

    /// Runs a plan; gives the volume and how many slices were encoded.
    @discardableResult
    private func run(
        _ plan: VolumePlan, _ settings: SegmentationSettings, to labels: String? = nil
    ) async throws -> (labelled: LabelledVolume, encoded: Int) {
        var encoded: Set<Int> = []
        let run = try SegmentationRun(plan.annotated, settings, from: plan.earlier)
        #expect(run.sliceCount == plan.sliceCount)
        let result = try await run { encoded.insert($0) }
        try result.write(to: labels ?? self.labels)
        return (result, encoded.count)
    }

    /// That labels, origins and manifest, but for the seconds, are those of a run from nothing.
    private func expectAsFromNothing(_ settings: SegmentationSettings) async throws {
        let fresh = folder.file("fresh.nii.gz")
        try await run(try await plan(settings, .all, labels: fresh), settings, to: fresh)
        for (one, other) in [
            (labels, fresh), (folder.file("labels-origin.nii.gz"), folder.file("fresh-origin.nii.gz")),
        ] {
            #expect(FileManager.default.contents(atPath: one) == FileManager.default.contents(atPath: other))
        }
        func manifest(_ path: String) throws -> Data {
            var manifest = try #require(try Manifest(besideLabels: path))
            manifest.seconds = .init(load: 0, segment: 0)
            manifest.output?.path = ""
            manifest.origin?.path = ""
            return try encodedJSON(manifest)
        }
        #expect(try manifest(labels) == manifest(fresh))
    }

    /// The answer to one box, asked alone.
    private func answer(_ slice: Int, _ box: PixelBox, mask: Tensor? = nil, _ run: SegmentationRun) throws
        -> PredictedMask
    {
        let image = try sam.encode(run.segmenter.images.image(ofSlice: slice), name: "slice")
        return try #require(try sam.predict([Prompt(box: box, mask: mask)], on: image)[0].best)
    }

    // MARK: Ways

    @Test func nothingIsFilledUnlessAsked() async throws {
        let settings = try settings(Filling())
        let plan = try await plan(settings)
        let result = try await run(plan, settings)
        #expect(result.encoded == 5 && folder.names.contains("labels.json"))
        #expect(!folder.names.contains("labels-origin.nii.gz"))
        let manifest = try #require(try Manifest(besideLabels: labels))
        #expect(manifest.gaps == nil && manifest.origin == nil && manifest.options.filling == nil)
    }

    /// Gaps of class 0: slices 2 and 3, 5 and 6, 8; of class 1: 6. The boxes on 5 are of class 1 alone.
    @Test func shapesAreThoseBetweenTheDrawnMasks() async throws {
        let settings = try settings(Filling(between: .shape))
        let plan = try await plan(settings)
        let (result, encoded) = try await run(plan, settings)
        #expect(encoded == 5, "the model is not asked")
        let (volume, slices) = (result.segmentation, result.images.slices)
        let gaps = try #require(result.manifest.gaps)
        #expect(gaps.map(\.place.slices) == [[2, 3], [5, 6], [8], [6]] && gaps.allSatisfy { $0.way == .shape })
        #expect(gaps.map(\.place.others) == [[], [5], [], []])
        // Pixels are 0.7 mm wide and 0.9 mm high.
        let ends = [1, 4].map { slice in
            let boxes = result.manifest.boxes.filter { $0.slice == slice && $0.classID == 0 }.map(\.box)
            return (mask: volume.drawn(3, ofSlice: slice, slices), boxes: boxes)
        }
        let expected = try #require(
            SignedDistances.masks(between: ends[0], ends[1], spacing: SIMD2(0.7, 0.9), at: [1 / 3.0]))[0]
        #expect(volume.labels.labels(ofSlice: 2, slices) == expected.values.map { $0 ? 3 : 0 })
        #expect(volume.origin.labels(ofSlice: 2, slices) == expected.values.map { $0 ? 2 : 0 })
        #expect(gaps[0].fills.map(\.slice) == [2, 3] && gaps[0].fills[0].area == expected.area)
        let filled = try #require(result.manifest.amounts["3"]?.filled)
        #expect(filled == zip(volume.labels.values, volume.origin.values).count { $0 == 3 && $1 == 2 } && filled > 0)
        #expect(folder.names.isSuperset(of: ["labels.nii.gz", "labels.json", "labels-origin.nii.gz"]))
        let written = try LabelVolume(contentsOf: folder.file("labels-origin.nii.gz"))
        #expect(written.values == volume.origin.values && Set(written.values) == [0, 1, 2])
    }

    @Test func boxesAreAskedBetweenTheDrawnOnes() async throws {
        let settings = try settings(Filling(between: .box))
        let run = try SegmentationRun(try await plan(settings).annotated, settings)
        let result = try await self.run(try await plan(settings), settings).labelled
        let gap = try #require(result.manifest.gaps?.first)
        let drawn = [1, 4].map { slice in run.segmenter.plan.asked[slice]![0].box }
        let between = PixelBox.between([drawn[0]], [drawn[1]], at: 2 / 3.0)[0]
        let own = try answer(3, between, run).mask
        // From below by way of slice 2, from above at once.
        var below = try answer(1, drawn[0], run)
        for slice in [2, 3] {
            below = try answer(
                slice, try #require(below.mask.boundingBox).grown(byShare: 0.05).clipped(to: own.size)!,
                mask: below.lowResLogits, run)
        }
        var above = try answer(4, drawn[1], run)
        above = try answer(
            3, try #require(above.mask.boundingBox).grown(byShare: 0.05).clipped(to: own.size)!,
            mask: above.lowResLogits,
            run)
        let fill = try #require(gap.fills.last)
        let agreement = (own.dice(below.mask) + own.dice(above.mask) + below.mask.dice(above.mask)) / 3
        let two = Mask(
            size: own.size,
            values: own.values.indices.map { pixel in
                [own, below.mask, above.mask].count { $0.values[pixel] } >= 2
            })
        #expect(fill.slice == 3 && fill.area == two.area)
        #expect(abs(try #require(fill.quality) - agreement) < 1e-12)
        let slices = result.images.slices
        #expect(result.segmentation.labels.labels(ofSlice: 3, slices) == two.values.map { $0 ? 3 : 0 })
    }

    /// Random weights follow anything, so that each of the rules ends some of these.
    @Test func endsAreFollowedFromSliceToSlice() async throws {
        let settings = try settings(Filling(ends: true))
        let run = try SegmentationRun(try await plan(settings).annotated, settings)
        let result = try await self.run(try await plan(settings), settings).labelled
        let gaps = try #require(result.manifest.gaps).filter { $0.way != nil }
        #expect(gaps.map(\.place.slices) == [[0], [10, 11], [2, 3], [8]])
        let (images, slices) = (run.segmenter.images, result.images.slices)
        func median(_ mask: Mask, _ slice: Int) -> UInt8? {
            let own = zip(images.grey(ofSlice: slice), mask.values).filter(\.1).map(\.0).sorted()
            return own.isEmpty ? nil : own[own.count / 2]
        }
        var lengths: Set<Int> = []
        for gap in gaps {
            let drawn = gap.ends[0]
            let question = try #require(run.segmenter.plan.asked[drawn]?.first { $0.classID == gap.place.classID })
            var before = try answer(drawn, question.box, run)
            let grey = median(before.mask, drawn)
            var expected: [Int] = []
            for slice in gap.place.below == nil ? gap.place.slices.reversed() : gap.place.slices {
                guard let box = before.mask.boundingBox?.grown(byShare: 0.05).clipped(to: slices.imageSize) else {
                    break
                }
                let next = try answer(slice, box, mask: before.lowResLogits, run)
                guard next.score >= 0.5, next.mask.intersectionOverUnion(with: before.mask) >= 0.5, let grey,
                    let own = median(next.mask, slice), abs(Int(own) - Int(grey)) <= 13
                else { break }
                expected.append(slice)
                before = next
            }
            #expect(gap.way == .ends && gap.fills.map(\.slice) == expected)
            lengths.insert(expected.count)
        }
        let origin = Set(result.segmentation.origin.values)
        #expect(origin == (lengths == [0] ? [0, 1] : [0, 1, 3]))
    }

    /// What somebody drew stays; of two fillings the one of higher quality is above.
    // MARK: What is missing

    @Test func anEmptyMaskAtAnEndIsListed() throws {
        let volume = try Volume(contentsOf: folder.file("ct.nii"))
        let slices = SliceGeometry(volume.geometry)
        let settings = try settings(Filling(between: .shape))
        let annotated = try AnnotatedVolumes(
            folder.file("boxes"), on: VolumeFiles(folder.file("ct.nii")).files, slicing: Slicing(view: .array)
        ).volumes[0]
        let segmenter = try SegmentationRun(annotated, settings).segmenter
        var result = SegmentedVolume(geometry: volume.geometry, gaps: segmenter.plan.gaps)
        let model = SliceModel(segmenter, steps: []) { _, _ in
            fatalError("not asked")
        } progress: { _ in
        }
        var filler = GapFiller(segmenter, model)
        result.draw([UInt16](repeating: 3, count: slices.imageSize.area), ofSlice: 4, slices)
        for gap in segmenter.plan.gaps { try filler.fill(gap, in: &result) }
        #expect(result.gaps.allSatisfy { $0.way == nil && $0.fills.isEmpty })
        #expect(Set(result.labels.labels(ofSlice: 3, slices)) == [0])
    }

    @Test func theResultDoesNotDependOnThreads() async throws {
        let settings = try settings(Filling(between: .auto, ends: true, reports: true))
        let plan = try await plan(settings)
        var bytes: [Data] = []
        for threads in [1, 3] {
            _ = try await Threads.with(threads) { try await run(plan, settings) }
            bytes += ["labels.nii.gz", "labels-origin.nii.gz"].map {
                FileManager.default.contents(atPath: folder.file($0))!
            }
        }
        #expect(bytes[0] == bytes[2] && bytes[1] == bytes[3])
    }

    // MARK: Leaving out

    @Test func aLeftOutSliceIsScoredAgainstWhatWasDrawn() async throws {
        let settings = try settings(Filling(reports: true))
        let result = try await run(try await plan(settings), settings).labelled
        let rows = try #require(result.manifest.leftOut)
        #expect(rows.map(\.place.slices) == [[1, 4, 7], [4, 7, 9], [4, 5, 7]])
        #expect(rows.map(\.millimetres) == [15, 12.5, 7.5])
        let (volume, slices) = (result.segmentation, result.images.slices)
        let ends = [1, 7].map { slice in
            let boxes = result.manifest.boxes.filter { $0.slice == slice && $0.classID == 0 }.map(\.box)
            return (mask: volume.drawn(3, ofSlice: slice, slices), boxes: boxes)
        }
        let masks = try #require(
            SignedDistances.masks(between: ends[0], ends[1], spacing: SIMD2(0.7, 0.9), at: [0.5]))
        let shape = masks[0].dice(volume.drawn(3, ofSlice: 4, slices))
        #expect(rows[0].shape == shape)
        let table = try #require(result.manifest.fillReport)
        #expect(table.map(\.label) == [3, 3, 3, 300, 300] && table.map(\.slices) == [1, 1, 2, 1, 1])
        #expect(table[2].better == rows.betterWay(ofClass: 0) && table[0].better == nil)
        #expect(!folder.names.contains("labels-origin.nii.gz"), "nothing is filled")
    }

    @Test func autoTakesTheBetterWay() async throws {
        let settings = try settings(Filling(between: .auto))
        let gaps = try #require(try await run(try await plan(settings), settings).labelled.manifest.gaps)
        let rows = try #require(try Manifest(besideLabels: labels)?.leftOut)
        #expect(gaps.allSatisfy { $0.way == rows.betterWay(ofClass: $0.place.classID) })
        func row(_ classID: Int, _ shape: Double?, _ box: Double?) -> LeftOut {
            let place = Gap.Place(classID: classID, label: 1, below: 1, above: 3, slices: [2], others: [])
            return LeftOut(place: .init(Gap(place: place)), millimetres: 5, shape: shape, box: box)
        }
        let scores = [row(0, 0.9, 0.7), row(0, 0.6, 0.7), row(1, 0.5, 0.6), row(2, 0.9, nil), row(3, 0.5, 0.5)]
        #expect([0, 1, 2, 3, 4].map { scores.betterWay(ofClass: $0) } == [.shape, .box, .box, .box, .box])
    }

    // MARK: Going on

    static let fillings = [
        Filling(between: .shape), Filling(between: .box), Filling(between: .box, ends: true, reports: true),
        Filling(between: .auto, ends: true), Filling(ends: true),
    ]

    @Test(arguments: fillings) func changedBoxesChangeWhatDependsOnThem(filling: Filling) async throws {
        let settings = try settings(filling)
        try await run(try await plan(settings), settings)
        #expect(try await plan(settings).isDone)
        // A box moves: both gaps beside it change, and what shares their slices.
        write(7, [first(6), "1 0.66 0.46 0.36 0.36"])
        let changed = try await plan(settings)
        #expect(!changed.isDone)
        let all = try await plan(settings, .all).sliceCount
        if filling.between == .box { #expect(changed.sliceCount < all) }
        try await run(changed, settings)
        try await expectAsFromNothing(settings)
        // Somebody draws a slice that was filled, and another organ on one that is.
        write(8, [first(8)])
        write(2, ["1 0.6 0.4 0.4 0.4"])
        try await run(try await plan(settings), settings)
        try await expectAsFromNothing(settings)
    }

    @Test func farGapsAreNotFilledAgain() async throws {
        let settings = try settings(Filling(between: .box))
        try await run(try await plan(settings), settings)
        write(9, [first(8)])
        let changed = try await plan(settings)
        // Slice 9, and for the gap between: 8 and again 7.
        #expect(changed.sliceCount == 3)
        #expect(changed.earlier?.gaps.map(\.place.slices) == [[2, 3], [5, 6], [6]])
        #expect(try await run(changed, settings).encoded == 3)
        try await expectAsFromNothing(settings)
    }

    @Test func otherFillingKeepsWhatWasDrawn() async throws {
        for (one, other) in zip(Self.fillings + [Filling()], [Filling()] + Self.fillings) {
            let (first, second) = (try settings(one), try settings(other))
            try await run(try await plan(first, .all), first)
            let changed = try await plan(second)
            #expect(changed.reasons.contains("the filling is another"))
            #expect(changed.earlier?.same == [1, 4, 5, 7, 9])
            try await run(changed, second)
            try await expectAsFromNothing(second)
        }
    }

    @Test func originsThatChangedAreNotUsed() async throws {
        let settings = try settings(Filling(between: .shape))
        try await run(try await plan(settings), settings)
        folder.write("labels-origin.nii.gz", "other")
        let changed = try await plan(settings)
        #expect(changed.reasons == ["the origins of its labels changed"] && changed.earlier == nil)
        try await run(changed, settings)
        try await expectAsFromNothing(settings)
        let error = await #expect(throws: FileError.self) {
            folder.write("labels-origin.nii.gz", "other")
            return try await plan(settings, .update, slices: 4...4)
        }
        #expect(error?.kind == .cannotCreate)
    }

    /// Slices that are kept are ends of gaps as others are.
    @Test func updatedSlicesFillTheGapsBesideThem() async throws {
        let settings = try settings(Filling(between: .box))
        try await run(try await plan(settings), settings)
        write(4, [first(3), "1 0.6 0.4 0.4 0.4"])
        let update = try await plan(settings, .update, slices: 4...4)
        try await run(update, settings)
        let manifest = try #require(try Manifest(besideLabels: labels))
        #expect(manifest.kept?.map(\.slices) == [[1, 5, 7, 9]])
        #expect(manifest.gaps?.map(\.place.slices) == [[2, 3], [5, 6], [8], [6]])
        let (updated, origin) = (
            try LabelVolume(contentsOf: labels).values,
            try LabelVolume(contentsOf: folder.file("labels-origin.nii.gz")).values
        )
        let whole = try await plan(settings, .all, labels: folder.file("fresh.nii.gz"))
        let fresh = try await run(whole, settings, to: folder.file("fresh.nii.gz")).labelled.segmentation
        #expect(updated == fresh.labels.values && origin == fresh.origin.values)
    }

    @Test func aManifestThatSomebodyEditedTrapsNothing() async throws {
        let settings = try settings(Filling(between: .box, ends: true, reports: true))
        try await run(try await plan(settings), settings)
        let json = String(decoding: FileManager.default.contents(atPath: folder.file("labels.json"))!, as: UTF8.self)
        for (text, other) in [
            (#""slice" : 3"#, #""slice" : 3000"#), (#""slice" : 3"#, #""slice" : -3"#),
            (#""above" : 4"#, #""above" : -4"#),
            (#""gaps" :"#, #""pags" :"#), (#""origin" :"#, #""nigiro" :"#), (#""left_out" :"#, #""tuo_tfel" :"#),
            (#""way" : "box""#, #""way" : "shape""#),
        ] {
            #expect(json.contains(text), "\(text)")
            folder.write("labels.json", json.replacing(text, with: other))
            let changed = try await plan(settings)
            if !changed.isDone { try await run(changed, settings) }
            #expect(try await plan(settings).isDone)
        }
    }

    @Test func slicesThatAreDoneAreVerifiedWithoutWhatWasFilled() async throws {
        let settings = try settings(Filling(between: .box, ends: true))
        let plan = try await plan(settings)
        try await run(plan, settings)
        let run = try SegmentationRun(plan.annotated, settings)
        let found = try run.differences([4, 5], from: labels)
        #expect(found.map(\.slice) == [4, 5] && found.allSatisfy { $0.pixels == 0 })
    }
}
