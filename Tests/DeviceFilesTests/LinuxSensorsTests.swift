import Foundation
import Testing

@testable import DeviceFiles

@Suite struct LinuxSensorsTests {
    @Test("a process's memory is what it holds, and one that is not there holds nothing that is known")
    func memory() {
        let own = LinuxSensors().residentBytes(of: ProcessInfo.processInfo.processIdentifier)
        #expect(own.map { $0 > 1 << 20 && $0 < 1 << 40 } == true)
        #expect(LinuxSensors().residentBytes(of: .max) == nil)
    }

    @Test("the hottest zone that shows a plausible temperature counts")
    func temperature() throws {
        let root = NSTemporaryDirectory() + "sensors-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (zone, text) in ["-274000", "45200", "61500", "x"].enumerated() {
            let directory = root + "/sys/class/thermal/thermal_zone\(zone)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try "cpu\n".write(toFile: directory + "/type", atomically: true, encoding: .utf8)
            try "\(text)\n".write(toFile: directory + "/temp", atomically: true, encoding: .utf8)
        }
        #expect(LinuxSensors(root: root).temperatureCelsius() == 61.5)
        #expect(LinuxSensors(root: root + "/none").temperatureCelsius() == nil)
    }
}
