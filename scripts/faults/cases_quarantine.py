"""A version that failed on one device is shut out there until it is ordered on purpose."""

from bench import Bench, require, wait_for
from cases_controller import RolloutWatch
from fleet import Agent, Controller, make_version
from report import Report


def shut_out(bench: Bench, report: Report) -> None:
    """One device cannot run v2, which others run: it fails, is refused, fails again, and installs once it may."""
    controller = Controller(bench, "quarantine")
    folder = bench.folder("quarantine", "versions")
    first = controller.push("v1", make_version(folder / "v1"))
    second = controller.push("v2", make_version(folder / "v2", behaviour="fragile"))
    token = controller.token()
    weak = Agent(controller, "weak", {"use": "mine"}, token).start()
    Agent(controller, "strong", {"use": "theirs"}, token).start()
    wait_for("both are enrolled", lambda: len(controller.api.items("/v1/devices")) == 2)
    policy = controller.policy("quarantine", smallFleetSoakSeconds=1, watchSeconds=1)
    controller.install("mine", "v1", "use=mine", policy)
    controller.install("theirs", "v2", "use=theirs", policy)
    # As a device that lacks what the version needs: a driver, a library.
    weak.set_broken(True)

    def outcomes(kind: str) -> list[dict]:
        return [row for row in controller.outcomes("weak") if row["action"] == f"attempt.{kind}"]

    def shown() -> str:
        return controller.edgectl("device", "show", "weak")

    def fails() -> str:
        watch = RolloutWatch(controller, controller.deploy("mine", "v2", "use=mine", policy))
        wait_for("the rollout is taken back", lambda: watch.look() == "rolled_back")
        wait_for("it serves v1 again", lambda: controller.running("weak") == first)
        require(second[:12] in weak.status() or "quarantine" in weak.status(), "edge-agent status does not say so")
        reasons = {row["detail"]["reason"] for row in outcomes("rolled_back") + outcomes("failed")}
        require(bool(reasons), "no failure was reported")
        return f"rolled back by a rule ({', '.join(sorted(reasons))}); shut out on the device"

    def refused() -> str:
        controller.edgectl("delete", "deployment/mine")
        controller.edgectl("device", "label", "weak", "use=theirs")
        row = wait_for("it refuses", lambda: outcomes("rejected"))[-1]
        require(row["detail"]["reason"] == "quarantined", f"it was refused because of {row['detail']}")
        wait_for("operators see why", lambda: "failed      quarantined" in shown())
        require("`edgectl device retry weak" in shown(), "edgectl device show does not say what to do")
        require("edgectl device retry" in row["detail"]["detail"], "the audit log does not say what to do")
        require(controller.running("weak") == first and weak.current() == first, "it does not serve v1 any more")
        weak.kill()
        weak.start()
        wait_for("it serves v1 after a restart", lambda: controller.running("weak") == first)
        require(weak.current() == first, f"a restart let {weak.current()} in")
        return "attempt.rejected, reason quarantined, in `edgectl device show` and the audit log; v1 serves on"

    def retried() -> str:
        failed = len(outcomes("failed")) + len(outcomes("rolled_back"))
        controller.edgectl("device", "retry", "weak", "--reason", "to see")
        wait_for("it fails again", lambda: len(outcomes("failed")) + len(outcomes("rolled_back")) > failed)
        wait_for("it serves v1 again", lambda: controller.running("weak") == first)
        weak.set_broken(False)
        controller.edgectl("device", "retry", "weak", "--reason", "the driver is there")
        wait_for("it runs v2", lambda: controller.running("weak") == second)
        weak.require_verified()
        wait_for("nothing is said to have failed", lambda: "failed      " not in shown())
        require("quarantine" not in weak.status(), "the version is still shut out")
        return "tried at once and failed again; ordered once more after it was mended, it installs v2"

    report.attempt("a version fails on a device that cannot run it", fails)
    report.attempt("the version is ordered there again, by another deployment", refused)
    report.attempt("`edgectl device retry`, before and after the device is mended", retried)
    controller.stop()
