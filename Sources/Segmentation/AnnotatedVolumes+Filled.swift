import Annotations
import ImageFrames
import SafeFiles

extension AnnotatedVolumes {
    /// The boxes of each volume by its name, and between them those that nobody drew.
    ///
    /// - Parameter longestGap: the most from one drawn slice to the next, in millimetres.
    /// - Returns: the volumes, and the gaps that are longer.
    /// - Throws: ``FileError`` `badData` where slices were turned in several ways.
    public func filledBoxes(
        longestGap: Double
    ) throws(FileError) -> (cases: [MergedBoxes.Case], open: [(case: String, gap: Gap)]) {
        try requireOneTurning()
        let filling = Filling(between: .box, longestGap: longestGap)
        var (cases, open): ([MergedBoxes.Case], [(case: String, gap: Gap)]) = ([], [])
        for volume in volumes {
            let plan = GapPlan(volume, filling, asked: GapPlan.questions(volume.boxes, LabelMap()))
            open += plan.gaps.filter { $0.way == nil }.map { (volume.file.name, $0) }
            cases.append(
                MergedBoxes.Case(
                    name: volume.file.name, sliceCount: volume.slices.count, imageSize: volume.slices.imageSize,
                    objects: volume.drawnObjects + plan.filledObjects(by: volume.annotator)))
        }
        return (cases, open)
    }
}

extension AnnotatedVolume {
    fileprivate var drawnObjects: [AgreedBox] {
        boxes.flatMap { slice in
            slice.boxes.enumerated().map { place, box in
                AgreedBox(
                    slice: slice.slice, classID: box.classID, box: box.box, own: [annotator: box.box],
                    workers: [annotator], place: place)
            }
        }
    }
}

extension GapPlan {
    /// The boxes between those that were drawn, after those in the order of the slice.
    fileprivate func filledObjects(by annotator: String) -> [AgreedBox] {
        gaps.filter { $0.way == .box }.flatMap { gap in
            gap.place.slices.flatMap { slice in
                boxes(of: gap, onSlice: slice).map { box in
                    AgreedBox(
                        slice: slice, classID: gap.place.classID, box: box, own: [annotator: box],
                        workers: [annotator], place: .max, isFilled: true)
                }
            }
        }
    }

    /// The boxes of a gap's class on one of its slices, between those that were drawn at its ends.
    func boxes(of gap: Gap, onSlice slice: Int) -> [PixelBox] {
        let drawn = gap.ends.map { end in
            (asked[end] ?? []).filter { $0.classID == gap.place.classID }.map(\.box)
        }
        return PixelBox.between(drawn[0], drawn[1], at: gap.part(of: slice))
    }
}
