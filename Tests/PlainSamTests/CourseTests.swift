// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import TestSupport
import Testing

/// The documentation's pages quote files, and name files and tests: all of them are there.
@Suite struct CourseTests {
    private static let catalog = "Sources/SegmentAnything/Documentation.docc"

    private let pages = files(in: catalog, ending: ".md").map { (name: $0, text: text(of: $0)) }

    /// Whole lines of the plain model, but for their indentation.
    @Test func quotedCodeIsTheSources() {
        let sources = Self.files(in: "Sources/PlainSam", ending: ".swift").map { Self.unindented(Self.text(of: $0)) }
        let course = pages.filter { $0.name.contains("/Course/") }
        var count = 0
        for page in course {
            for quote in page.text.matches(of: /(?ms)^```swift\n(.*?)\n```$/) {
                let lines = "\n" + Self.unindented(String(quote.1)) + "\n"
                #expect(sources.contains { $0.contains(lines) }, "\(page.name):\(lines)")
                count += 1
            }
        }
        #expect(course.count == 11 && count >= 20)
    }

    @Test func theQuotedScriptIsTheFile() {
        let script = Self.text(of: "tools/reference/compare.py")
        #expect(Self.text(of: "\(Self.catalog)/FromPython.md").contains("```python\n\(script)```\n"))
    }

    /// Names such as `ResizeTests.isPillowsToTheBit`.
    @Test func namedTestsExist() {
        let tests = Self.files(in: "Tests", ending: ".swift").map(Self.text)
        var count = 0
        for page in pages {
            for name in page.text.matches(of: /`(\w+Tests)\.(\w+)`/) {
                let exists = tests.contains {
                    $0.contains("func \(name.2)(")
                        && ($0.contains("struct \(name.1) ") || $0.contains("extension \(name.1) "))
                }
                #expect(exists, "\(page.name): \(name.0)")
                count += 1
            }
        }
        #expect(count >= 20)
    }

    /// Names such as `Attention.swift` or `swift-sam/Segment.swift`.
    @Test func namedFilesExist() {
        let sources = Self.files(in: "Sources", ending: "").map { "/" + $0 }
        var count = 0
        for page in pages {
            for name in page.text.matches(of: /`([\w+\/-]+\.(?:swift|h))`/) {
                #expect(sources.contains { $0.hasSuffix("/\(name.1)") }, "\(page.name): \(name.1)")
                count += 1
            }
        }
        #expect(count >= 20)
    }

    @Test func picturesExist() {
        let pictures = Self.files(in: Self.catalog, ending: ".png").map { URL(filePath: $0).lastPathComponent }
        let named = pages.flatMap { $0.text.matches(of: /!\[[^\]]+\]\(([\w-]+)\)/).map { "\($0.1).png" } }
        #expect(Set(named) == Set(pictures) && named.count >= 8)
    }
}

extension CourseTests {
    /// The files below a folder of the checkout, by their paths in it.
    private static func files(in folder: String, ending: String) -> [String] {
        FileManager.default.enumerator(atPath: checkout + folder)!.compactMap { $0 as? String }
            .filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    private static func text(of path: String) -> String {
        try! String(contentsOfFile: checkout + path, encoding: .utf8)
    }

    private static func unindented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
    }
}
