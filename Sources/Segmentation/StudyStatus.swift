import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// How far a study is: what a run with the same options would find.
public struct StudyStatus: Encodable, Sendable {
    public enum State: String, Encodable, Sendable, CaseIterable {
        case done
        /// There are labels that are not what the call would write.
        case stale
        case missing
        case claimed
        case failed
    }

    public struct Row: Encodable, Sendable {
        public let `case`: String
        public let state: State
        /// Why it is not done.
        public let why: String
        /// How many slices are to be encoded.
        public let slices: Int
    }

    /// How many slices were computed again, and how many of them came out otherwise.
    public struct Verified: Encodable, Sendable {
        public var slices = 0
        public var differ = 0

        public init() {}
    }

    public private(set) var volumes: [Row] = []
    /// The names of volumes that there are no boxes of: there is nothing to do, unless they have labels.
    public var withoutBoxes: [String] = []
    /// The seconds for all that is to do, by those of a slice of what is done; nil where nothing is.
    public private(set) var secondsLeft: Double?
    /// The tasks of a job array that have something to do, as `4,7-9`.
    public private(set) var array = ""
    /// What came of computing slices again; nil where that was not asked for.
    public var verified: Verified?
    private var secondsPerSlice: [Double] = []

    enum CodingKeys: String, CodingKey {
        case volumes, array, verified
        case withoutBoxes = "without_boxes"
        case secondsLeft = "seconds_left"
    }

    public init() {}

    /// Adds a volume.
    ///
    /// - Parameters:
    ///   - plan: what a run would do, or the error by which it would fail.
    ///   - failure: the error by which the last run failed.
    ///   - labels: the path of its labels.
    public mutating func add(
        _ annotated: AnnotatedVolume, _ plan: Result<VolumePlan, FileError>, failure: String?, labels: String
    ) {
        func add(_ state: State, _ why: String, _ slices: Int) {
            self.add(annotated.file, state, why, slices)
        }
        switch plan {
        case .failure(let error): add(.failed, error.description, annotated.boxes.count)
        case .success(let plan):
            if let manifest = plan.manifest {
                // Others were taken over from earlier labels, in no time.
                let slices = manifest.seconds.computed ?? manifest.ownSlices.count
                if slices > 0 { secondsPerSlice.append(manifest.seconds.segment / Double(slices)) }
                add(.done, "", 0)
            } else if let holder = VolumeClaim.holder(labels: labels) {
                add(.claimed, "by process \(holder.process) on \(holder.host) since \(holder.since)", plan.sliceCount)
            } else if let failure {
                add(.failed, failure, plan.sliceCount)
            } else {
                add(plan.hasLabels ? .stale : .missing, plan.reasons.joined(separator: ", "), plan.sliceCount)
            }
        }
        let left = volumes.reduce(0) { $0 + $1.slices }
        let middle = secondsPerSlice.sorted().dropFirst(secondsPerSlice.count / 2).first
        secondsLeft = middle.map { $0 * Double(left) }
    }

    /// Adds a volume that fails before there is a plan: its header cannot be read, or it has labels and no boxes.
    public mutating func add(failed file: VolumeFile, _ error: FileError) {
        add(file, .failed, error.description, 0)
    }

    private mutating func add(_ file: VolumeFile, _ state: State, _ why: String, _ slices: Int) {
        volumes.append(Row(case: file.name, state: state, why: why.replacing("\n", with: ". "), slices: slices))
    }

    /// Says which tasks of a job array have something to do.
    ///
    /// - Parameters:
    ///   - cases: all cases, in order.
    ///   - parts: how many tasks share them; nil for one each.
    public mutating func setArray(cases: [String], parts: Int?) {
        let open = Set(volumes.filter { $0.state != .done }.map(\.case))
        array = Part.array(
            Set(cases.indices.filter { open.contains(cases[$0]) }.map { $0 % (parts ?? cases.count) + 1 }))
    }

    public func count(_ state: State) -> Int { volumes.count { $0.state == state } }
}

extension SegmentationRun {
    /// How many pixels of each of some slices are not in labels as they come out now, computed anew.
    ///
    /// - Parameter path: the labels.
    /// - Throws: ``FileError`` as of reading them and of segmenting.
    public func differences(_ slices: [Int], from path: String) throws -> [(slice: Int, pixels: Int)] {
        let (standing, origin) = try self.standing(path, Manifest(besideLabels: path))
        return try slices.map { slice in
            let again = try Segmenter(
                sam: settings.sam, images: segmenter.images, boxes: annotated.boxes.filter { $0.slice == slice },
                labels: settings.labels, recipe: settings.recipe, singleMask: settings.singleMask)()
            let geometry = segmenter.images.slices
            let pairs = zip(
                standing.drawn(onSlice: slice, by: origin, geometry), again.labels.labels(ofSlice: slice, geometry))
            return (slice, pairs.reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) })
        }
    }

    /// A picture of labels that are done, as ``LabelledVolume/picture(slices:)`` of them.
    ///
    /// - Parameters:
    ///   - path: the labels.
    ///   - manifest: theirs.
    ///   - slices: those that are drawn.
    /// - Throws: ``FileError`` as of reading the labels.
    public func picture(of path: String, _ manifest: Manifest, slices: [Int]) throws(FileError) -> RGBImage {
        let (standing, origin) = try self.standing(path, manifest)
        var segmentation = SegmentedVolume(geometry: segmenter.images.volume.geometry, gaps: manifest.gaps ?? [])
        segmentation.labels = standing
        for (offset, label) in standing.values.enumerated() where label != 0 {
            segmentation.origin.values[offset] = origin?.values[offset] ?? LabelOrigin.drawn.rawValue
        }
        segmentation.boxes = manifest.boxes
        return LabelledVolume(
            segmentation: segmentation, manifest: manifest, images: segmenter.images, badBoxes: []
        ).picture(slices: slices)
    }

    /// Labels of the volume that are there, and where they come from; nil where nothing of them was filled.
    private func standing(
        _ path: String, _ manifest: Manifest?
    ) throws(FileError) -> (labels: LabelVolume, origin: LabelVolume?) {
        let labels = try LabelVolume(contentsOf: path)
        var origin: LabelVolume?
        if let manifest { origin = try LabelOrigin.volume(besideLabels: path, manifest) }
        guard labels.size == segmenter.images.volume.size, origin?.size ?? labels.size == labels.size else {
            throw FileError(.badData, file: path, "labels of another size than the volume")
        }
        return (labels, origin)
    }
}
