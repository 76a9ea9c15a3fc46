#if compiler(>=6.2)
    import Foundation
    import ImageFrames
    import Imaging
    import TestSupport
    import Testing

    @testable import Evaluation

    /// What can be seen only from outside of a process: how much memory it takes.
    @Suite struct IsolatedTests {
        /// 4 bytes of labels, of which the larger part is read as numbers of single precision, and their surfaces.
        @Test func memoryForEachVoxel() async {
            await #expect(processExitsWith: .success) {
                try scoreVolumesOfTwoSizes()
            }
        }
    }

    // In a function of its own: Swift 6.3 crashes on it as a closure.
    private func scoreVolumesOfTwoSizes() throws {
        let folder = Folder()
        let affine = Affine(alongI: [1, 0, 0], alongJ: [0, 1, 0], alongK: [0, 0, 1], origin: .zero)
        let peaks = try [32, 160].map { depth in
            let size = VolumeSize(i: 64, j: 64, k: depth)
            var labels = LabelVolume(geometry: Geometry(size: size, affine: affine))
            for offset in labels.values.indices where offset % 4096 / 300 == 6 { labels.values[offset] = 1 }
            let path = folder.file("labels\(depth).nii.gz")
            try labels.write(to: path)
            labels = LabelVolume(geometry: Geometry(size: VolumeSize(i: 1, j: 1, k: 1), affine: affine))
            let report = try EvaluationReport(VolumePairs(VolumeFiles(path), VolumeFiles(path)))
            #expect(report.results[0].scores[0].dice == 1)
            return try peakMemory()
        }
        let bytes = Double(peaks[1] - peaks[0]) / Double(64 * 64 * 128)
        #expect(bytes <= 16, "\(bytes) bytes a voxel")
    }

    /// The most memory that the process has had, in bytes.
    private func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
    }
#endif
