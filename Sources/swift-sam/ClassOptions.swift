import Annotations
import ArgumentParser
import SafeFiles

/// The list of the classes' names, where boxes can be read without one.
struct ClassOptions: ParsableArguments {
    @Option(
        help: "The classes' names, a line each (class_list.txt); Pascal VOC needs it.",
        completion: .file(extensions: ["txt"]))
    var classes: String?

    /// The files that are read.
    var reads: [String] { [classes].compactMap { $0 } }

    /// Reads the list; nil where none was named.
    func list() throws(FileError) -> ClassList? {
        try classes.map { path throws(FileError) in try ClassList(contentsOf: path) }
    }
}
