import Foundation
import TestSupport
import Testing

/// The constants that Swift's baseline and the kernels in C both have are the same numbers.
///
/// Each is written as `name = … number …` in both languages, so the test compares the sources.
@Suite struct ConstantsTests {
    /// A value that the function assigns, with the numbers of its expression.
    struct Assignment: Equatable, CustomStringConvertible {
        var name: String
        var numbers: [Float]

        var description: String { "\(name): \(numbers)" }
    }

    @Test(arguments: [
        ("Exponential.swift", "func exponential(", "exponential.h", "KERNEL vector exponential(", 10, "power"),
        ("GELU.swift", "func baselineGELU(", "gelu.h", "KERNEL vector gelu(", 14, "numerator"),
    ])
    func areTheSameInSwiftAndC(
        _ swift: String, _ swiftFunction: String, _ c: String, _ cFunction: String, _ count: Int, _ name: String
    ) throws {
        let one = try assignments(in: "Sources/Tensors/\(swift)", function: swiftFunction)
        let other = try assignments(in: "Sources/CKernels/\(c)", function: cFunction)
        #expect(one == other)
        #expect(one.count == count && one.contains { $0.name == name }, "\(one)")
    }

    /// The assignments with numbers of a function, from its name to the first brace at the start of a line.
    private func assignments(in file: String, function: String) throws -> [Assignment] {
        let text = try String(contentsOfFile: checkout + file, encoding: .utf8)
        let start = try #require(text.range(of: function), "\(file) has no \(function)")
        let end = try #require(text.range(of: "\n}", range: start.upperBound..<text.endIndex))
        return text[start.upperBound..<end.lowerBound].split(separator: "\n").compactMap { line -> Assignment? in
            let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
            // C's exponential takes x up to 0 only, and shifts the exponent where it returns.
            guard let match = code.firstMatch(of: /(\w+) = (.*)/), !["x", "scale"].contains(match.1) else { return nil }
            let numbers = match.2.matches(of: /-?\b[0-9][0-9_.]*(e-?[0-9]+)?/)
                .compactMap { Float($0.output.0.replacing("_", with: "")) }
            return numbers.isEmpty ? nil : Assignment(name: String(match.1), numbers: numbers)
        }
    }
}
