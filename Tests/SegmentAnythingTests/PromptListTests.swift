import ImageFrames
import TestSupport
import Testing

@testable import SegmentAnything

@Suite struct PromptListTests {
    @Test func numbersBecomePrompts() throws {
        let list = PromptList(
            boxes: [try PixelBox(asked: [40, 30, 200, 180]), try PixelBox(asked: [-1, 10, 90, 99])],
            points: [
                try PromptList.Point([60, 60, 1, 2]), try PromptList.Point([9, 9, 0, 3]),
                try PromptList.Point([7, 8, 0, 3]),
            ])
        #expect(list.count == 3)
        try list.check()
        let size = PixelSize(width: 220, height: 190)
        let prompts = try list.prompts(on: size, name: "a.png")
        #expect(prompts.map(\.box) == list.boxes + [nil])
        #expect(prompts.map { $0.points.map(\.position.x) } == [[], [60], [9, 7]])
        #expect(prompts.map { $0.points.map(\.isForeground) } == [[], [true], [false, false]])
        #expect(
            list.warnings(on: size, name: "a.png").map(\.what) == [
                "the box -1,10,90,99 reaches beyond the image of 220×190 pixels"
            ])
        #expect(try PromptList.Point([3, 4]).isForeground)
        #expect(PromptList().count == 1 && PromptList().isEmpty)
        try PromptList().check(hasMask: true)
    }

    @Test(arguments: [
        [], [1], [1, 2, 2], [1, 2, 1, 0], [1, 2, 1, 1.5], [1, 2, 1, 1001], [1, .nan], [1, 2, 1, 1, 1],
    ])
    func noPoints(_ numbers: [Double]) {
        #expect(throws: PromptError.self) { try PromptList.Point(numbers) }
    }

    @Test(arguments: [[], [1, 2, 3], [3, 1, 3, 9], [3, 9, 8, 9], [1, 2, 3, .infinity], [1, 2, 3, 4, 5]])
    func noBoxes(_ numbers: [Double]) {
        #expect(throws: PromptError.self) { try PixelBox(asked: numbers) }
    }

    @Test func promptsWithoutAPartAreErrors() throws {
        let box = PixelBox(x0: 1, y0: 1, x1: 9, y1: 9)
        func point(_ prompt: Int?) -> PromptList.Point {
            PromptList.Point(position: PixelPoint(x: 2, y: 2), isForeground: true, prompt: prompt)
        }
        for (list, word) in [
            (PromptList(), "Nothing to predict"),
            (PromptList(boxes: [box, box], points: [point(nil)]), "which one a point joins: 2,2,1,N"),
            (PromptList(boxes: [box], points: [point(3)]), "Prompt 2 has neither"),
        ] {
            let error = #expect(throws: PromptError.self) { try list.check() }
            #expect(error?.description.contains(word) == true)
        }
        let size = PixelSize(width: 5, height: 4)
        expectError(.badData, "the box 6,1,9,9 is outside the image", about: "a.png") {
            _ = try PromptList(boxes: [PixelBox(x0: 6, y0: 1, x1: 9, y1: 9)]).prompts(on: size, name: "a.png")
        }
        expectError(.badData, "the point 2,5,1 is outside the image") {
            var beyond = point(nil)
            beyond.position.y = 5
            _ = try PromptList(points: [beyond]).prompts(on: size, name: "a.png")
        }
    }
}
