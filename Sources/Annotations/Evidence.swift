import Foundation
import SafeFiles

/// What says that somebody looked at a slice for a class, whether or not anything was drawn: the one rule of checks,
/// agreement, merging and segmentation.
///
/// A box of the class on the slice says so. Without tasks, so does a box of any class. A file without boxes does not:
/// OpenLabeling makes one for every picture that it opens. Nor do files of which something could not be read say that what
/// is not among their boxes is not there.
public struct Evidence: Sendable {
    /// What a file without boxes says.
    public enum EmptyFile: String, CaseIterable, Codable, Sendable {
        case unseen
        case nothing
    }

    /// Who was to look for what on which slices; what annotators with tasks did not draw within them is not there.
    public var tasks: Tasks?
    public var emptyFile: EmptyFile

    public init(tasks: Tasks? = nil, emptyFile: EmptyFile = .unseen) {
        (self.tasks, self.emptyFile) = (tasks, emptyFile)
    }

    /// Whether an annotator looked for a class.
    ///
    /// - Parameter slice: what the annotator's files say about the slice; nil where there are none.
    public func saysLooked(
        _ annotator: String, for classID: Int, at number: Int, _ slice: SliceBoxes?, case name: String
    ) -> Bool {
        if slice?.boxes.contains(where: { $0.classID == classID }) == true { return true }
        if slice?.isWhole == false { return false }
        if let own = tasks?.slices(of: annotator, case: name) {
            return own[classID]?.contains(number) == true
        }
        guard let slice else { return false }
        return !slice.boxes.isEmpty || emptyFile == .nothing
    }

    /// Whether an annotator who drew no box of a class on a slice said by that that nothing of it is there, also where it is
    /// on the slices around: by tasks, or by an empty file that means so. Boxes of other classes do not say it, since people
    /// forget one of several organs more often than an organ has a hole.
    public func saysNothing(
        _ annotator: String, of classID: Int, at number: Int, _ slice: SliceBoxes?, case name: String
    ) -> Bool {
        if slice?.isWhole == false { return false }
        if let own = tasks?.slices(of: annotator, case: name) {
            return own[classID]?.contains(number) == true
        }
        return slice?.boxes.isEmpty == true && emptyFile == .nothing
    }

    /// The slices between a class's first and last box on which nothing says that the annotator looked for it, in order.
    public func unseenSlices(_ slices: [SliceBoxes], by annotator: String, case name: String) -> [Int] {
        let drawn = slices.slicesByClass
        let torn = Dictionary(slices.filter { !$0.isWhole }.map { ($0.slice, Set($0.boxes.map(\.classID))) }) {
            $0.union($1)
        }
        let spans = drawn.compactMapValues { own in own.min().flatMap { first in own.max().map { first...$0 } } }
        if let asked = tasks?.slices(of: annotator, case: name) {
            let unseen = spans.reduce(into: Set<Int>()) { unseen, span in
                let (own, asked) = (drawn[span.key] ?? [], asked[span.key] ?? RangeSet())
                for number in span.value
                where !own.contains(number) && (torn[number] != nil || !asked.contains(number)) {
                    unseen.insert(number)
                }
            }
            return unseen.sorted()
        }
        // A slice with any box, or an empty file that means something, was looked at for all classes.
        let seen = Set(slices.filter { $0.isWhole && (!$0.boxes.isEmpty || emptyFile == .nothing) }.map(\.slice))
        var (unseen, next): ([Int], Int) = ([], .min)
        for span in spans.values.sorted(by: { $0.lowerBound < $1.lowerBound }) where span.upperBound >= next {
            unseen += (max(span.lowerBound, next)...span.upperBound).filter { number in
                // What is left of a file that is malformed says of its own classes that somebody looked.
                guard let own = torn[number] else { return !seen.contains(number) }
                return spans.contains { $0.value.contains(number) && !own.contains($0.key) }
            }
            next = span.upperBound + 1
        }
        return unseen
    }
}

/// Who was to draw which class on which slices: the rows of a table `annotator,class,case,first,last`.
public struct Tasks: Sendable {
    /// The file of the table.
    public let path: String
    /// Slices by annotator, volume and class.
    private let slices: [String: [String: [Int: RangeSet<Int>]]]

    /// Reads a CSV. Classes go by name or id; `first` and `last` are the numbers of slices, both included.
    ///
    /// - Throws: ``FileError`` `missingInput` where there is no such file; `badData` where it is no such table, or a row names
    ///   a class that does not exist or slices that are none.
    public init(contentsOf path: String, classes: ClassList?) throws(FileError) {
        self.path = path
        let table = try CSV(contentsOf: path)
        let needed = ["annotator", "class", "case", "first", "last"]
        guard needed.allSatisfy(table.columns.contains) else {
            throw FileError(
                .badData, file: path, line: table.headerLine, "not a table of tasks",
                expected: needed.joined(separator: ","), found: table.columns.joined(separator: ","),
                advice: table.adviceOnSemicolons)
        }
        var ranges: [String: [String: [Int: [Range<Int>]]]] = [:]
        for row in table.rows {
            let cells = needed.map { (row.cells[$0] ?? "").trimmingCharacters(in: .whitespaces) }
            guard let classID = try classes.id(ofNameOrNumber: cells[1]) else {
                throw FileError(
                    .badData, file: path, line: row.line, "not a class",
                    expected: classes.expected(besides: cells[1]), found: "\"\(cells[1])\"")
            }
            guard let first = Int(cells[3]), let last = Int(cells[4]), first >= 0, last >= first, last < Int.max else {
                throw FileError(
                    .badData, file: path, line: row.line, "not a range of slices",
                    expected: "first and last, numbers from 0", found: "\"\(cells[3])\", \"\(cells[4])\"")
            }
            ranges[cells[0], default: [:]][cells[2], default: [:]][classID, default: []].append(first..<last + 1)
        }
        // In order, so that each is added at the end.
        slices = ranges.mapValues {
            $0.mapValues { $0.mapValues { RangeSet($0.sorted { $0.lowerBound < $1.lowerBound }) } }
        }
    }

    /// The slices of each class that an annotator was to look at; nil where the table does not have the annotator, and
    /// empty where it has only other volumes for this one.
    public func slices(of annotator: String, case name: String) -> [Int: RangeSet<Int>]? {
        slices[annotator].map { $0[name] ?? [:] }
    }

    /// Throws `badData` where the table has none of some annotators: it would say nothing of their boxes.
    public func requireAnnotator(among annotators: Set<String>) throws(FileError) {
        guard annotators.isDisjoint(with: slices.keys) else { return }
        let names = annotators.subtracting([""]).sorted()
        throw FileError(
            .badData, file: path, "no tasks of the annotator whose boxes are read",
            expected: names.isEmpty ? "an annotator of unknown name" : listed(names),
            found: listed(slices.keys.sorted()),
            advice: names.isEmpty
                ? "Give --boxes the folder that the annotator's folder is in, and the name with --annotator."
                : nil)
    }

    /// What of the table fits nothing: annotators without a box, volumes all unknown, slices beyond a volume's end.
    ///
    /// - Parameters:
    ///   - annotators: those who have boxes.
    ///   - counts: how many slices each volume has.
    public func warnings(annotators: Set<String>, slices counts: [String: Int]) -> [Warning] {
        func warning(_ what: String, _ names: [String]) -> [Warning] {
            names.isEmpty ? [] : [Warning(file: path, "\(what): \(listed(names))")]
        }
        let cases = Set(slices.values.flatMap(\.keys))
        let long = counts.sorted { $0.key < $1.key }.filter { name, count in
            slices.values.contains {
                ($0[name] ?? [:]).values.contains { $0.ranges.last.map { $0.upperBound > count } == true }
            }
        }
        return warning("no boxes are of these annotators", Set(slices.keys).subtracting(annotators).sorted())
            + (cases.isDisjoint(with: counts.keys)
                ? warning("none of the volumes is one of these", cases.sorted()) : [])
            + warning("tasks go beyond the last slice of these", long.map { "\($0.key) (\($0.value - 1))" })
    }

    /// The slices of each class that anybody was to look at on a volume; nil where nobody was to look at any.
    public func slices(ofCase name: String) -> [Int: RangeSet<Int>]? {
        let asked = slices.values.reduce(into: [Int: RangeSet<Int>]()) { asked, own in
            asked.merge(own[name] ?? [:]) { $0.union($1) }
        }
        return asked.isEmpty ? nil : asked
    }
}
