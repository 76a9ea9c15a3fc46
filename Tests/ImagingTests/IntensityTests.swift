import Foundation
import ImageFrames
import TestSupport
import Testing

@testable import Imaging

/// Grey values against numpy's, and the modes' names.
@Suite struct IntensityTests {
    struct IntensityFixture: Decodable, CustomTestStringConvertible {
        static let all: [IntensityFixture] = fixtureRows("intensity.json", in: .module)

        var name: String
        /// Little-endian single precision.
        var values: Data
        var grey: Data

        var testDescription: String { name }
    }

    /// The images of a volume of 1 × count × 2 voxels, whose second slice is the first plus 7.
    private func images(_ values: [Float], _ intensity: Intensity) -> SliceImages {
        let geometry = Geometry.plain(i: 1, j: values.count, k: 2)
        let volume = Volume(file: "values", geometry: geometry, values: values + values.map { $0 + 7 })
        return SliceImages(volume, SliceGeometry(geometry), intensity)
    }

    /// Equal to the last bit: the same operations in double precision. In the array view j runs upwards.
    @Test(arguments: IntensityFixture.all)
    func greyIsNumpys(_ fixture: IntensityFixture) {
        let intensity = Intensity(fixture.name) ?? .minmaxSlice
        let images = images(fixture.values.floats, intensity)
        #expect(images.grey(ofSlice: 0).reversed() == [UInt8](fixture.grey))
        #expect(fixture.name.hasPrefix("minmax") == (intensity == .minmaxSlice))
    }

    /// By hand, 255 · v / 510 + 0.5 rounded down: halves go up, also those that rounding to even would take down.
    @Test func halvesGoUp() {
        let values: [Float] = [-1, 0, 1, 2, 3, 5, 255, 257, 509, 510, 511]
        #expect(eightBits(values, level: 255, width: 510) == [0, 0, 1, 1, 2, 3, 128, 129, 255, 255, 255])
    }

    @Test func whatIsNotFinite() {
        let values: [Float] = [.nan, .infinity, -.infinity, 40]
        #expect(eightBits(values, level: 40, width: 400) == [0, 255, 0, 128])
    }

    /// A slice without contrast is black in itself; in a window and over the volume it is what it is.
    @Test func constantSlices() {
        let constant = [Float](repeating: 240, count: 6)
        #expect(images(constant, .minmaxSlice).grey(ofSlice: 0) == [UInt8](repeating: 0, count: 6))
        #expect(images(constant, .minmaxSlice).grey(ofSlice: 1) == [UInt8](repeating: 0, count: 6))
        #expect(images(constant, .minmaxVolume).grey(ofSlice: 0) == [UInt8](repeating: 0, count: 6))
        #expect(images(constant, .minmaxVolume).grey(ofSlice: 1) == [UInt8](repeating: 255, count: 6))
        #expect(images(constant, .softTissue).grey(ofSlice: 0) == [UInt8](repeating: 255, count: 6))
        #expect(images([.nan, .nan], .minmaxSlice).grey(ofSlice: 0) == [0, 0])
        #expect(images([.nan, .infinity], .minmaxVolume).grey(ofSlice: 1) == [0, 0])
    }

    /// The second slice is 7 above the first: seen over the volume, not within the slice.
    @Test func minmaxOfVolumeAndSlice() {
        let values: [Float] = [0, 1, 2, 3]
        #expect(images(values, .minmaxSlice).grey(ofSlice: 1).reversed() == [0, 85, 170, 255])
        #expect(images(values, .minmaxSlice).grey(ofSlice: 0).reversed() == [0, 85, 170, 255])
        // 0 to 10: 25.5 a unit, and 25.5, 76.5 and 178.5 round up.
        #expect(images(values, .minmaxVolume).grey(ofSlice: 0).reversed() == [0, 26, 51, 77])
        #expect(images(values, .minmaxVolume).grey(ofSlice: 1).reversed() == [179, 204, 230, 255])
    }

    @Test func imageHasGreyInAllChannels() {
        let image = images([0, 10, 20], .minmaxSlice).image(ofSlice: 0)
        #expect(image.size == PixelSize(width: 1, height: 3))
        #expect(image.pixels == [255, 255, 255, 128, 128, 128, 0, 0, 0])
    }

    // MARK: Names

    @Test func presets() {
        #expect(Intensity("soft-tissue") == .window(level: 40, width: 400))
        #expect(Intensity("lung") == .window(level: -600, width: 1500))
        #expect(Intensity("bone") == .window(level: 400, width: 1800))
        #expect(Intensity("minmax-volume") == .minmaxVolume)
        #expect(Intensity("minmax-slice") == .minmaxSlice)
        #expect(Intensity("window:-12.5,1e2") == .window(level: -12.5, width: 100))
    }

    @Test(arguments: [
        "", "window", "window:", "window:40", "window:40,", "window:,400", "window:40,400,1", "window:40,0",
        "window:40,-400", "window:nan,400", "window:40,inf", "window:40,1e999", "window: 40,400", "40,400", "minmax",
        "Lung", "soft tissue",
    ])
    func textThatIsNoIntensity(_ text: String) {
        #expect(Intensity(text) == nil)
    }

    @Test(arguments: ["window:40,400", "window:-0.5,1800.25", "minmax-volume", "minmax-slice"])
    func descriptionReadsBack(_ text: String) throws {
        let intensity = try #require(Intensity(text))
        #expect(intensity.description == text)
        #expect(try JSONDecoder().decode(Intensity.self, from: JSONEncoder().encode(intensity)) == intensity)
    }
}
