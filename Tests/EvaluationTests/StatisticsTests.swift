import Foundation
import Testing

@testable import Evaluation

/// Statistics against SciPy. Sums of doubles and SciPy's own series differ in the last digits: 1e-12, relative.
@Suite struct StatisticsTests {
    let tolerance = 1e-12

    @Test(arguments: Reference.read.wilcoxon.indices) func wilcoxonIsSciPys(index: Int) {
        let reference = Reference.read.wilcoxon[index]
        let test = Wilcoxon(reference.first.map { $0 ?? .nan }, reference.second.map { $0 ?? .nan })
        let missing = zip(reference.first, reference.second).count { $0 == nil || $1 == nil }
        #expect(test.missing == missing && test.n == reference.first.count - missing)
        #expect(reference.p == nil ? test.p.isNaN : abs(test.p - (reference.p ?? 0)) <= tolerance)
        if let statistic = reference.statistic { #expect(abs(test.statistic - statistic) <= tolerance) }
    }

    @Test func referenceCoversEachMethod() {
        let methods = Reference.read.wilcoxon.map {
            Wilcoxon($0.first.map { $0 ?? .nan }, $0.second.map { $0 ?? .nan }).method
        }
        for method in [Wilcoxon.Method.exact, .permutation, .normal] {
            #expect(methods.count { $0 == method } > 10, "\(method)")
        }
    }

    @Test func oneEqualPairIsNoDifference() {
        let test = Wilcoxon([0.5], [0.5])
        #expect(test.p == 1 && test.statistic == 0 && test.zeros == 1)
    }

    @Test func ranksOfTiesAreShared() {
        let (ranks, ties) = averageRanks([3, 1, 3, 2, 3, 1])
        #expect(ranks == [5, 1.5, 5, 3, 5, 1.5])
        #expect(ties == [2, 3])
    }

    @Test(arguments: Reference.read.intervals.indices) func summaryIsNumPysAndSciPys(index: Int) {
        let reference = Reference.read.intervals[index]
        let summary = Summary(reference.scores + [.nan])
        #expect(summary.n == reference.scores.count && summary.missing == 1)
        #expect(abs(summary.mean - reference.mean) <= tolerance)
        #expect(abs(summary.sd - reference.sd) <= tolerance)
        #expect(abs(summary.ci95 - 1.96 * reference.sd / Double(summary.n).squareRoot()) <= tolerance)
        // The t quantile of one degree of freedom is 12.7; both find it by iteration.
        #expect(abs(summary.ci95ByT - reference.t) <= 1e-11 * reference.t)
    }

    @Test func summaryOfOneAndOfNone() {
        let one = Summary([0.25])
        #expect(one.mean == 0.25 && one.sd == 0 && one.ci95 == 0 && one.ci95ByT.isNaN)
        #expect(Summary([]).mean.isNaN && Summary([.nan]).n == 0)
    }

    /// Quantiles that tables have had for a century (Student 1908, to the digits printed there).
    @Test(arguments: [(1.0, 12.706), (2, 4.303), (10, 2.228), (30, 2.042), (1000, 1.962)])
    func studentsTable(freedom: Double, t: Double) {
        #expect(abs(studentQuantile(0.975, freedom: freedom) - t) < 5e-4)
    }
}
