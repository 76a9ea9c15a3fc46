import Testing

@testable import Imaging

@Suite struct PreviewTests {
    @Test(arguments: [(5, 8, [0, 1, 2, 3, 4]), (8, 4, [1, 3, 5, 7]), (9, 2, [2, 6]), (0, 3, [])])
    func slicesAreSpreadEvenly(slices: Int, count: Int, expected: [Int]) {
        #expect(spread(Array(0..<slices), count: count) == expected)
    }
}
