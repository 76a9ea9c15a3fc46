// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import Testing

/// The built `swift-sam`, run as a person runs it.
struct Command {
    var status: Int32
    var output: String
    var errors: String

    /// - Parameter folder: the working folder.
    init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
        try self.init(Command.executable, arguments, in: folder, environment: environment)
    }

    /// Runs a line as a shell does, which finds `swift-sam` by the PATH.
    init(shell line: String, in folder: String, environment: [String: String] = [:]) throws {
        let path = Command.executable.deletingLastPathComponent().path(percentEncoded: false)
        let others = ProcessInfo.processInfo.environment["PATH"] ?? ""
        try self.init(
            URL(filePath: "/bin/sh"), ["-c", line], in: folder,
            environment: environment.merging(["PATH": "\(path):\(others)"]) { $1 })
    }

    private init(
        _ executable: URL, _ arguments: [String], in folder: String, environment: [String: String]
    ) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files, not pipes: a full pipe would stop the command.
        let (output, errors) = (folder + "/.stdout", folder + "/.stderr")
        for path in [output, errors] { try Data().write(to: URL(filePath: path)) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        self.output = try String(contentsOfFile: output, encoding: .utf8)
        self.errors = try String(contentsOfFile: errors, encoding: .utf8)
        for path in [output, errors] { try FileManager.default.removeItem(atPath: path) }
    }

    /// Runs `swift-sam` by a shell, which redirects its streams; gives the exit code.
    static func shell(_ line: String, in folder: String) throws -> Int32 {
        try Command(shell: "swift-sam \(line)", in: folder).status
    }

    /// Beside the bundle of the tests.
    private static let executable = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "swift-sam")

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
    }
}
