import Foundation
import TestSupport
import Testing

@testable import Tensors

/// How many processors a process may use, by the files that Linux and Slurm say it with.
@Suite struct AvailableProcessorsTests {
    @Test func theLeastOfAllHolds() {
        #expect(AvailableProcessors.count(affinity: 8, quota: nil, slurm: nil) == 8)
        #expect(AvailableProcessors.count(affinity: 8, quota: 2.5, slurm: nil) == 3, "a part counts as one")
        #expect(AvailableProcessors.count(affinity: 8, quota: 0.1, slurm: nil) == 1)
        #expect(AvailableProcessors.count(affinity: 8, quota: 5, slurm: "4") == 4)
        #expect(AvailableProcessors.count(affinity: 2, quota: 5, slurm: "4") == 2)
        for slurm in ["", "0", "-3", "many"] {
            #expect(AvailableProcessors.count(affinity: 8, quota: nil, slurm: slurm) == 8)
        }
    }

    @Test func affinityAsTheSystemWritesIt() {
        func affinity(_ mask: String) -> Int? {
            AvailableProcessors.affinity(status: "Name:\tsam\nCpus_allowed:\t\(mask)\nCpus_allowed_list:\t0-3\n")
        }
        #expect(affinity("3") == 2)
        #expect(affinity("ff,0000000f,80000001") == 14)
        #expect(affinity("0") == nil && affinity("") == nil && AvailableProcessors.affinity(status: "") == nil)
    }

    /// As `taskset` has it; at least one, and no more than the machine has.
    @Test func theProcessHasSome() {
        #expect((1...ProcessInfo.processInfo.processorCount).contains(AvailableProcessors.count))
    }

    @Test func controlGroupsOfVersion2() {
        let folder = Folder()
        folder.write("cpu.max", "max 100000\n")
        folder.write("a/cpu.max", "300000 100000\n")
        folder.write("a/b/cpu.max", "400000 100000\n")
        func quota(_ path: String) -> Double? { AvailableProcessors.quota(groups: "0::\(path)\n", root: folder.path) }
        #expect(quota("/") == nil)
        #expect(quota("/a") == 3)
        #expect(quota("/a/b") == 3, "those above hold too")
        #expect(quota("/of/the/host") == nil)
        folder.write("cpu.max", "150000 100000\n")
        #expect(quota("/of/the/host") == 1.5, "in a container its own group is at the root")
        folder.write("cpu.max", "nonsense\n")
        #expect(quota("/") == nil)
    }

    @Test func controlGroupsOfVersion1() {
        let folder = Folder()
        folder.write("cpu/job/cpu.cfs_quota_us", "250000\n")
        folder.write("cpu/job/cpu.cfs_period_us", "100000\n")
        folder.write("cpu/cpu.cfs_quota_us", "-1\n")
        folder.write("cpu/cpu.cfs_period_us", "100000\n")
        let groups = "5:memory:/job\n4:cpu,cpuacct:/job\n0::/\n"
        #expect(AvailableProcessors.quota(groups: groups, root: folder.path) == 2.5)
        #expect(AvailableProcessors.quota(groups: "4:cpuset:/job\n", root: folder.path) == nil)
        #expect(AvailableProcessors.quota(groups: "", root: folder.path) == nil)
    }
}
