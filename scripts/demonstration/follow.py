"""Follows a rollout to its decision and tells what happens, with the evidence."""

import time
from datetime import datetime

from .console import Console
from .control import Control
from .processes import Failure, Processes

POLL_SECONDS = 0.4


class Follower:
    """Watches one rollout and tells each change once."""

    def __init__(self, control: Control, console: Console, processes: Processes) -> None:
        """Names whom to ask and where to tell."""
        self.control = control
        self.console = console
        self.processes = processes

    def follow(self, rollout: str, until: set[str], seconds: float) -> dict:
        """Returns the rollout once its state is one of `until`, or as it is after `seconds`."""
        deadline = time.monotonic() + seconds
        last: dict = {"step": 0, "decisions": [], "progress": {"exposed": 0, "restored": 0}, "waitReason": None}
        while True:
            self.processes.check()
            now = self.control.rollout(rollout)
            self._tell_changes(now, last)
            self._draw(now)
            if now["state"] in until or time.monotonic() > deadline:
                return now
            last = now
            time.sleep(POLL_SECONDS)

    def _tell_changes(self, now: dict, last: dict) -> None:
        # A decision ends the step before it: it is told before the step that it starts.
        for decision in now["decisions"][len(last["decisions"]):]:
            tell_decision(self.console, decision, now)
        progress, before = now["progress"], last["progress"]
        if now["step"] != last["step"]:
            self.console.tell(
                f"step {now['step']}/{now['steps']}: cohort drawn, {progress['drawn']} devices are told to run "
                f"{now['to']['name']}; the others stay on {now['from']['name']} and are compared with them")
        if progress["exposed"] > before["exposed"]:
            self.console.tell(f"{progress['exposed']} devices run {now['to']['name']}")
        if progress["restored"] > before["restored"]:
            self.console.tell(
                f"{progress['restored']} devices swapped back to {now['from']['name']} from their own disk")
        if now["state"] == "halted" and last.get("state") != "halted":
            self.console.tell(f"halted: {now.get('waitSentence')}", "notice")

    def _draw(self, rollout: dict) -> None:
        judgement = rollout.get("judgement")
        if not judgement or not judgement["metrics"]:
            return
        metric = judgement["metrics"][0]
        bound = judgement.get("bound")
        proof = metric.get("safetyBound")
        note = (
            f"step {rollout['step']}  harm {metric['evidence']:.1f} of {number(bound)}  "
            f"proof {metric['safetyEvidence']:.1f} of {number(proof)}  canary {percent(metric.get('canaryValue'))}  "
            f"baseline {percent(metric.get('baselineValue'))}  {rollout.get('waitReason') or ''}"
        )
        sure = next((one for one in judgement["metrics"] if one["metric"] == "confidence"), None)
        if sure and sure.get("canaryValue") is not None and sure.get("baselineValue") is not None:
            note += f"  confidence {sure['canaryValue']:.3f} against {sure['baselineValue']:.3f}"
        soak = rollout["policy"]["soakSeconds"]
        watched = judgement["tick"] * rollout["policy"]["heartbeatSeconds"]
        self.console.bar("judging", watched, soak, note)


def tell_decision(console: Console, decision: dict, rollout: dict) -> None:
    """One decision: who, what, by which evidence."""
    style = {"advance": "good", "promote": "good", "rollback": "bad"}.get(decision["kind"], "notice")
    console.tell(
        f"{decision['kind'].upper()} {rollout['to']['name']} by {decision['cause']}: {decision['sentence']}", style)
    if decision.get("evidence") is not None:
        console.tell(
            f"  evidence {decision['evidence']:.2f} against a bound of {number(decision.get('bound'))} "
            f"({decision.get('metric')}, {decision.get('test')}); {decision['exposedDevices']} devices were exposed",
            "faint")


def summary(rollout: dict, kind: str) -> dict:
    """What the last line says of one rollout: the decision of that kind, or the last one."""
    decisions = rollout["decisions"]
    decision = next((one for one in reversed(decisions) if one["kind"] == kind), decisions[-1] if decisions else None)
    if decision is None:
        return {"decision": None, "state": rollout["state"], "devicesExposed": rollout["progress"]["exposed"]}
    proof = next((one for one in reversed(decisions) if one.get("evidence") is not None), decision)
    told = {
        "decision": decision["kind"], "cause": decision["cause"], "reason": decision["reason"],
        "state": rollout["state"], "step": decision["step"], "metric": proof.get("metric"), "test": proof.get("test"),
        "evidence": proof.get("evidence"), "bound": proof.get("bound"), "effect": proof.get("effect"),
        "secondsFromFirstExposureToDecision": between(rollout.get("firstExposedAt"), decision["at"]),
        "devicesExposed": decision["exposedDevices"] if kind == "rollback" else rollout["progress"]["exposed"],
    }
    if kind == "rollback":
        told["secondsFromDecisionToLastRestored"] = between(decision["at"], rollout.get("endedAt"))
    else:
        told["steps"] = [
            {"step": one["step"], "decision": one["kind"], "cause": one["cause"], "reason": one["reason"],
             "evidence": one.get("evidence"), "bound": one.get("bound")}
            for one in decisions if one["kind"] in ("advance", "promote")
        ]
    return told


def between(start: str | None, end: str | None) -> float | None:
    """Seconds from one moment to another."""
    if start is None or end is None:
        return None
    return round((_moment(end) - _moment(start)).total_seconds(), 3)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def number(value: float | None) -> str:
    """A figure that may be missing."""
    return "-" if value is None else f"{value:.2f}"


def percent(share: float | None) -> str:
    """A share that may be missing."""
    return "-" if share is None else f"{share:.1%}"


def state_or_fail(rollout: dict, wanted: set[str], what: str) -> None:
    """Raises Failure where a rollout ended otherwise."""
    if rollout["state"] not in wanted:
        raise Failure(f"{what} is {rollout['state']}: {rollout.get('waitSentence') or rollout.get('waitReason') or ''}")
