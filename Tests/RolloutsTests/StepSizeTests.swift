import Rollouts
import Testing

@Suite struct StepSizeTests {
    @Test(
        "a share or a count is read, and written as it is read",
        arguments: [
            ("5%", StepSize.percent(5)), ("100%", .percent(100)), ("0.5%", .percent(0.5)), ("1 device", .devices(1)),
            ("8 devices", .devices(8)),
        ])
    func read(text: String, size: StepSize) {
        #expect(StepSize(text) == size)
        #expect(size.description == text)
    }

    @Test(
        "anything else is no step",
        arguments: [
            "", "%", "0%", "-5%", "100.1%", "nan%", "inf%", "5 %", "5", "0 devices", "-1 devices", "1.5 devices",
            "8 device s", "devices", "8 gadgets", "8 devices more", "five%", "99999999999999999999 devices",
        ])
    func refused(text: String) {
        #expect(StepSize(text) == nil)
    }

    @Test(
        "a share is rounded up, at least one device and at most all",
        arguments: [
            (StepSize.percent(5), 100, 5), (.percent(5), 101, 6), (.percent(5), 3, 1), (.percent(0.1), 8, 1),
            (.percent(100), 7, 7), (.devices(8), 100, 8), (.devices(8), 3, 3), (.percent(5), 0, 0), (.devices(1), 0, 0),
        ])
    func counted(size: StepSize, eligible: Int, count: Int) {
        #expect(size.count(of: eligible) == count)
    }
}
