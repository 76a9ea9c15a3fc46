import Annotations
import ArgumentParser
import Foundation

/// Classes that may be missing.
struct ExceptOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Classes that nobody was asked to draw, by id or name: they may be missing.", valueName: "stomach,6"))
    var except = ""

    func classIDs(in classes: ClassList) throws -> Set<Int> {
        try except.split(separator: ",").reduce(into: []) { ids, entry in
            let name = entry.trimmingCharacters(in: .whitespaces)
            guard let id = try classes.id(ofNameOrNumber: name) else {
                throw ValidationError(
                    "--except: \"\(name)\" is not a class of \(classes.path): expected \(classes.listing(besides: name))."
                )
            }
            ids.insert(id)
        }
    }
}
