// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation

/// What `tools/oracle/export_evaluation.py` wrote: SciPy's and MedPy's results on random data.
struct Reference: Decodable {
    struct Wilcoxon: Decodable {
        var first: [Double?]
        var second: [Double?]
        var statistic: Double?
        var p: Double?
    }
    struct Interval: Decodable {
        var scores: [Double]
        var mean, sd, t: Double
    }
    struct Surface: Decodable {
        var size: [Int]
        var spacing: [Double]
        var truth: String
        var predicted: String
        var hd95: Double
        var larger: Double
        var mean: Double
    }
    struct Sheared: Decodable {
        var size: [Int]
        /// The steps along i, j and k.
        var axes: [[Double]]
        var truth: String
        var predicted: String
        var hd95: Double
        var larger: Double
        var mean: Double
    }
    var wilcoxon: [Wilcoxon]
    var intervals: [Interval]
    var surfaces: [Surface]
    var sheared: [Sheared]

    static let read = try! JSONDecoder().decode(
        Reference.self,
        from: Data(contentsOf: Bundle.module.resourceURL!.appending(path: "Fixtures/evaluation.json")))
}
