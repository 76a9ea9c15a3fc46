import SafeFiles
import Testing

@testable import Imaging

/// How a list of cases is shared by machines that do not speak to each other.
@Suite struct PartTests {
    @Test func partsAreAllCasesOnceAndDoNotMove() throws {
        let cases = Array(0..<23)
        let parts = try (1...8).compactMap { number in try Part("\(number)/8")?(cases, environment: [:]) }
        #expect(parts[0] == [0, 8, 16] && parts[2] == [2, 10, 18] && parts[7] == [7, 15])
        #expect(parts.flatMap(\.self).sorted() == cases)
        #expect(try Part("1/1")?(cases, environment: [:]) == cases)
        #expect(try Part("3/8")?([1], environment: [:]) == [], "more parts than cases")
    }

    @Test func theNumberOfAJobArrayAndTheCountThatIsStated() throws {
        let part = try #require(Part("slurm/8"))
        // As of --array=4,7-9, whose count would be another.
        let environment = ["SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4"]
        #expect(try part(Array(0..<23), environment: environment) == [6, 14, 22])
        for number in ["0", "9", "", "x"] {
            let error = #expect(throws: FileError.self) {
                try part([1], environment: ["SLURM_ARRAY_TASK_ID": number])
            }
            #expect(error?.kind == .usage && error?.advice == "Submit the job with --array=1-8.")
        }
        #expect(throws: FileError.self) { try part([1], environment: [:]) }
    }

    @Test(arguments: ["", "3", "0/8", "9/8", "-1/8", "3/0", "3/8/1", "a/8", "3/b", "/8", "slurm", "slurm/0", "1.5/2"])
    func whatIsNoPart(_ text: String) { #expect(Part(text) == nil) }

    @Test func arraysAsSbatchTakesThem() {
        #expect(Part.array([9, 4, 7, 8]) == "4,7-9")
        #expect(Part.array([1]) == "1" && Part.array([]) == "" && Part.array(1...3) == "1-3")
    }
}
