import Foundation
import ImageFrames
import SafeFiles
import TestSupport
import Testing

@testable import Imaging

/// Volumes made in memory: what their labels' headers say, by the places that the NIfTI standard gives each field.
@Suite struct GeometryTests {
    let folder = Folder()
    let size = VolumeSize(i: 5, j: 3, k: 2)
    /// Left, posterior, superior.
    let lps = Affine(alongI: [-0.5, 0, 0], alongJ: [0, -0.25, 0], alongK: [0, 0, 2.5], origin: [11, 22, -33])

    /// The bytes of labels that are all 0.
    private func header(_ geometry: Geometry) throws -> [UInt8] {
        try LabelVolume(geometry: geometry).write(to: folder.file("l.nii"))
        return [UInt8](try readFile(folder.file("l.nii"), limit: .picture))
    }

    private func number<Number: BitwiseCopyable>(_ bytes: [UInt8], _ offset: Int, as: Number.Type) -> Number {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }

    private func floats(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> [Float] {
        (0..<count).map { number(bytes, offset + 4 * $0, as: Float.self) }
    }

    @Test func aHeaderOfItsOwn() throws {
        let bytes = try header(Geometry(size: size, affine: lps))
        #expect(bytes.count == 352 + 30)
        #expect(number(bytes, 0, as: Int32.self) == 348)
        #expect((0..<8).map { number(bytes, 40 + 2 * $0, as: Int16.self) } == [3, 5, 3, 2, 1, 1, 1, 1])
        // datatype, bitpix and slice_start
        #expect((0..<3).map { number(bytes, 70 + 2 * $0, as: Int16.self) } == [2, 8, 0])
        #expect(floats(bytes, 76, 8) == [1, 0.5, 0.25, 2.5, 1, 1, 1, 1])
        #expect(floats(bytes, 108, 3) == [352, 1, 0])
        #expect(bytes[123] == 2, "millimetres")
        // Both codes, then half a turn about k as a quaternion, and the offset.
        #expect((0..<2).map { number(bytes, 252 + 2 * $0, as: Int16.self) } == [1, 1])
        #expect(floats(bytes, 256, 6) == [0, 0, 1, 11, 22, -33])
        #expect(floats(bytes, 280, 12) == [-0.5, 0, 0, 11, 0, -0.25, 0, 22, 0, 0, 2.5, -33])
        #expect(bytes[344..<352] == [0x6E, 0x2B, 0x31, 0, 0, 0, 0, 0])
    }

    @Test func aMirroredVolume() throws {
        var affine = lps
        affine.alongJ.y = 0.25
        let bytes = try header(Geometry(size: size, affine: affine))
        #expect(floats(bytes, 76, 1) == [-1], "qfac: the determinant is below 0")
    }

    @Test(arguments: [(Geometry.Unit.metre, UInt8(1)), (.millimetre, 2), (.micrometre, 3)])
    func units(unit: Geometry.Unit, code: UInt8) throws {
        let geometry = Geometry(size: size, affine: lps, unit: unit)
        #expect(try header(geometry)[123] == code)
        let read = try Geometry(ofVolume: folder.file("l.nii"))
        #expect(read.unit == unit)
        #expect(
            read.spacing(along: .k) == 2.5 * unit.rawValue && geometry.spacing(along: .k) == read.spacing(along: .k))
    }

    @Test func voxelSizesAlone() throws {
        let affine = Affine(alongI: [0.5, 0, 0], alongJ: [0, 0.25, 0], alongK: [0, 0, 2.5], origin: [0, 0, 0])
        let bytes = try header(Geometry(size: size, affine: affine, source: .none))
        #expect(number(bytes, 252, as: Int32.self) == 0, "both codes")
        let read = try Volume(contentsOf: folder.file("l.nii"))
        #expect(read.geometry.source == .none && read.geometry.affine == affine)
        #expect(read.warnings.map(\.what).joined().contains("orientation is unknown"))
    }

    /// A quaternion cannot say what is not a rotation.
    @Test func shearedAxesHaveNoQForm() throws {
        var affine = lps
        affine.alongK.x = 0.25
        let bytes = try header(Geometry(size: size, affine: affine))
        #expect((0..<2).map { number(bytes, 252 + 2 * $0, as: Int16.self) } == [0, 1])
        #expect(try Geometry(ofVolume: folder.file("l.nii")).affine == affine)
    }

    @Test func longAxesNeedNIfTI2() throws {
        for (i, version) in [(32_767, 348), (32_768, 540)] {
            let bytes = try header(Geometry(size: VolumeSize(i: i, j: 1, k: 1), affine: lps))
            #expect(number(bytes, 0, as: Int32.self) == version)
            let read = try LabelVolume(contentsOf: folder.file("l.nii"))
            #expect(read.size.i == i && read.geometry.affine == lps)
        }
        // Half a turn about k, in double precision.
        let bytes = try header(Geometry(size: VolumeSize(i: 1, j: 40_000, k: 1), affine: lps))
        #expect((0..<3).map { number(bytes, 352 + 8 * $0, as: Double.self) } == [0, 0, 1])
    }

    /// Both forms say the same; singles hold 24 bits.
    @Test(arguments: 0..<20) func turnedInAnyWay(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        func step() -> SIMD3<Double> { .random(in: -1...1, using: &random) }
        // Gram–Schmidt.
        func unit(_ vector: SIMD3<Double>) -> SIMD3<Double> { vector / (vector * vector).sum().squareRoot() }
        let first = unit(step())
        let (second, third) = (step(), step())
        let across = unit(second - first * (first * second).sum())
        let rest = third - first * (first * third).sum()
        let last = unit(rest - across * (across * rest).sum())
        let affine = Affine(
            alongI: first * 0.7, alongJ: across * 1.1, alongK: last * 3, origin: step() * 100)
        let geometry = Geometry(size: size, affine: affine)
        let bytes = try header(geometry)
        let bySForm = try Geometry(ofVolume: folder.file("l.nii"))
        let byQForm = try Geometry(ofVolume: folder.write("q.nii", bytes.with(Int16(0), at: 254)))
        #expect(bySForm.source == .sform && byQForm.source == .qform)
        for read in [bySForm, byQForm] {
            #expect(read.directions == geometry.directions)
            for (one, other) in [
                (read.affine.alongI, affine.alongI), (read.affine.alongJ, affine.alongJ),
                (read.affine.alongK, affine.alongK), (read.affine.origin, affine.origin),
            ] {
                // Half of the last bit of 100, and of the quaternion's terms times 3.
                #expect(((one - other) * (one - other)).sum().squareRoot() < 1e-5)
            }
        }
    }

    // MARK: What goes on

    /// What says nothing of where voxels are, by the standard's tables: place, length and the field's name.
    static let private1: [(Range<Int>, String)] = [
        (4..<14, "data_type"), (14..<32, "db_name"), (32..<36, "extents"), (36..<38, "session_error"),
        (38..<39, "regular"), (39..<40, "dim_info"), (56..<68, "intent_p1 to intent_p3"), (68..<70, "intent_code"),
        (74..<76, "slice_start"), (120..<122, "slice_end"), (122..<123, "slice_code"), (124..<132, "cal_max, cal_min"),
        (132..<136, "slice_duration"), (140..<148, "glmax, glmin"), (228..<252, "aux_file"), (328..<344, "intent_name"),
    ]
    static let private2: [(Range<Int>, String)] = [
        (80..<104, "intent_p1 to intent_p3"), (192..<208, "cal_max, cal_min"), (208..<216, "slice_duration"),
        (224..<240, "slice_start, slice_end"), (320..<344, "aux_file"), (496..<500, "slice_code"),
        (504..<508, "intent_code"), (508..<524, "intent_name"), (524..<525, "dim_info"), (525..<540, "unused_str"),
    ]

    @Test(arguments: ["i2-little-1.nii", "i2-little-2.nii"]) func nothingElseOfTheHeaderGoesOn(name: String) throws {
        let isFirst = name.hasSuffix("-1.nii")
        let fields = isFirst ? Self.private1 : Self.private2
        var bytes = VolumeFixture.named(name).bytes
        for place in fields.flatMap(\.0) { bytes[place] = 0x41 }
        for place in isFirst ? 148..<228 : 240..<320 { bytes[place] = 0x42 }
        let volume = try Volume(contentsOf: folder.write("volume.nii", bytes))
        let written = try header(volume.geometry)
        for (place, field) in fields { #expect(written[place].allSatisfy { $0 == 0 }, "\(field)") }
        #expect(!written.contains(0x42), "descrip")
        // All else is described by LabelVolumeTests; here that nothing else differs from labels of the plain file.
        let plain = try Volume(contentsOf: folder.write("plain.nii", VolumeFixture.named(name).bytes))
        #expect(try header(plain.geometry) == written)
    }
}
