// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import Imaging
import SafeFiles
import SegmentAnything
import TestSupport
import Testing

@testable import Segmentation

/// Which slices are filled, by what boxes, tasks and millimetres say; by hand.
@Suite struct GapPlanTests {
    let folder = Folder()

    /// A volume of 23×17×20 voxels, slices 2.5 mm apart.
    init() throws {
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 20)).write(to: folder.file("ct.nii"))
    }

    /// - Parameter boxes: classes by slice; an empty text is an empty file.
    private func plan(
        _ boxes: [Int: [Int]], _ filling: Filling, tasks: String? = nil, emptyFile: Evidence.EmptyFile = .unseen
    ) throws -> GapPlan {
        let place = "boxes\(UUID())"
        for (slice, classes) in boxes {
            folder.write(
                place + String(format: "/ct-slice%03d.txt", slice),
                classes.map { "\($0) 0.5 0.5 0.3 0.3\n" }.joined())
        }
        let list = try ClassList(contentsOf: folder.write("classes.txt", "spleen\nliver\naorta\n"))
        let table = try tasks.map {
            try Tasks(contentsOf: folder.write("tasks.csv", "annotator,class,case,first,last\n" + $0), classes: list)
        }
        let annotated = try AnnotatedVolumes(
            folder.file(place), on: VolumeFiles(folder.file("ct.nii")).files, slicing: Slicing(view: .array),
            classes: list, evidence: Evidence(tasks: table, emptyFile: emptyFile)
        ).volumes[0]
        return GapPlan(annotated, filling, asked: GapPlan.questions(annotated.boxes, LabelMap()))
    }

    private func gaps(_ plan: GapPlan) -> [String] {
        plan.gaps.map { gap in
            let ends = "\(gap.place.below.map(String.init) ?? "-")…\(gap.place.above.map(String.init) ?? "-")"
            return "\(gap.place.classID) \(ends) \(gap.way?.rawValue ?? "open") \(gap.place.slices) \(gap.place.others)"
        }
    }

    @Test func betweenDrawnSlices() throws {
        let plan = try plan([3: [0, 1], 4: [0], 6: [0], 9: [1], 12: [0]], Filling(between: .shape))
        // Class 0 has a gap of one slice (5 mm) and one of 15 mm; class 1 one of 15 mm, with others drawn on two of it.
        #expect(
            gaps(plan) == [
                "0 4…6 shape [5] []", "0 6…12 shape [7, 8, 9, 10, 11] [9]", "1 3…9 shape [4, 5, 6, 7, 8] [4, 6]",
            ])
        #expect(plan.gaps.map(\.millimetres) == [5, 15, 15])
    }

    @Test func gapsLongerThanTheLongestAreListed() throws {
        let boxes = [3: [0], 9: [0], 10: [0], 17: [0]]
        #expect(
            gaps(try plan(boxes, Filling(between: .box, longestGap: 15))).map { $0.prefix(11) } == [
                "0 3…9 box [", "0 10…17 ope",
            ])
        #expect(try plan(boxes, Filling(between: .box, longestGap: 17.5)).gaps.allSatisfy { $0.way == .box })
    }

    /// With ends alone nothing between is filled, and all of it is listed.
    @Test func endsAloneListWhatLiesBetween() throws {
        #expect(
            gaps(try plan([3: [0], 5: [0]], Filling(ends: true, longestGap: 2.5))) == [
                "0 -…3 ends [2] []", "0 3…5 open [4] []", "0 5…- ends [6] []",
            ])
    }

    /// A single slice has nothing between, and ends on both sides; who looked at other organs ends them.
    @Test func endsGoToWhereSomebodyLooked() throws {
        let filling = Filling(ends: true, longestGap: 8)
        #expect(
            gaps(try plan([5: [0], 7: [1]], filling)) == [
                "0 -…5 ends [2, 3, 4] []", "0 5…- ends [6] []", "1 -…7 ends [6] []", "1 7…- ends [8, 9, 10] []",
            ])
        #expect(gaps(try plan([1: [0]], filling)).first == "0 -…1 ends [0] []")
        #expect(gaps(try plan([19: [0]], filling)) == ["0 -…19 ends [16, 17, 18] []"])
        #expect(try plan([5: [0]], Filling(ends: true, longestGap: 2)).gaps.isEmpty, "not as far as one slice")
    }

    /// A header's 3.2 mm is 3.2000000477 in single precision, and five of them are a little more than 16 mm.
    @Test func endsGoAsFarAsAGapIsLong() throws {
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 20)).write(to: folder.file("ct.nii"), sliceSpacing: 3.2)
        let filling = Filling(between: .shape, ends: true, longestGap: 16)
        #expect(
            gaps(try plan([6: [0], 11: [0]], filling)) == [
                "0 -…6 ends [1, 2, 3, 4, 5] []", "0 6…11 shape [7, 8, 9, 10] []",
                "0 11…- ends [12, 13, 14, 15, 16] []",
            ])
        // A sixth slice is 19.2 mm away.
        #expect(gaps(try plan([6: [0], 12: [0]], filling)).contains { $0.hasPrefix("0 6…12 open") })
    }

    /// However long the gap or thin the slices, there are no more slices than the volume has.
    @Test(arguments: [(1e300, 2.5), (1e10, 2.5), (16.0, 1e-20)])
    func gapsAreNoLongerThanTheVolume(longestGap: Double, spacing: Double) throws {
        try Phantom(size: VolumeSize(i: 23, j: 17, k: 20)).write(
            to: folder.file("ct.nii"), sliceSpacing: Float(spacing))
        let plan = try plan([5: [0]], Filling(ends: true, longestGap: longestGap))
        #expect(plan.gaps.map(\.place.slices) == [Array(0..<5), Array(6..<20)])
        let filling = Filling(between: .box, longestGap: longestGap)
        #expect(filling.longestStep(spacing: spacing, sliceCount: 20) == 20)
        #expect(filling.longestStep(spacing: 0, sliceCount: 20) == 20)
    }

    /// By tasks and by empty files that mean so; then each side ends.
    @Test func lookedAtAndNothingThereIsNotFilled() throws {
        let boxes = [3: [0], 5: [1], 7: [0]]
        let between = Filling(between: .box, ends: true, longestGap: 15)
        let whole = try plan(boxes, between)
        #expect(gaps(whole).contains("0 3…7 box [4, 5, 6] [5]"), "people forget one of several organs")
        let tasks = try plan(boxes, between, tasks: ",spleen,ct,5,5\n")
        #expect(
            gaps(tasks).filter { $0.hasPrefix("0") }.dropFirst().prefix(2) == [
                "0 3…- ends [4] []", "0 -…7 ends [6] []",
            ])
        var empty = boxes
        empty[5] = []
        #expect(gaps(try plan(empty, between)).contains("0 3…7 box [4, 5, 6] []"), "OpenLabeling makes such files")
        #expect(!gaps(try plan(empty, between, emptyFile: .nothing)).contains { $0.contains("0 3…7") })
        // Who had only the liver as a task did not look for the spleen.
        #expect(gaps(try plan(boxes, between, tasks: ",liver,ct,0,19\n")).contains("0 3…7 box [4, 5, 6] [5]"))
    }

    @Test func eachDrawnSliceBetweenTwoIsLeftOut() throws {
        let plan = try plan([3: [0], 4: [0, 1], 6: [0], 12: [0]], Filling(reports: true))
        #expect(plan.gaps.isEmpty)
        #expect(plan.leftOut.map { LeftOut.Place($0).slices } == [[3, 4, 6], [4, 6, 12]])
        #expect(plan.leftOut.map(\.millimetres) == [7.5, 20])
        #expect(try self.plan([3: [0], 4: [0]], Filling(reports: true)).leftOut.isEmpty)
        #expect(try self.plan([3: [0], 4: [0], 5: [0]], Filling(between: .shape)).leftOut.isEmpty, "not asked for")
    }
}
