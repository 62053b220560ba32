"""What the clients do when the controller, the network or the caller is wrong."""

from __future__ import annotations

import time

import pytest

from edge_orchestrator import (
    ApiError,
    ConnectionFailed,
    DeviceStateError,
    EdgeDevice,
    EnrolmentTokenError,
    Orchestrator,
    RetryPolicy,
)

KEY = "eok_sesame-that-nobody-may-see"
FAST = RetryPolicy(attempts=4, first_pause_sec=0.01, total_sec=20)


def orchestrator(url: str, **options: object) -> Orchestrator:
    """A client with short pauses."""
    return Orchestrator(server_url=url, api_key=KEY, **{"retries": FAST, **options})  # type: ignore[arg-type]


def problem(status: int, code: str, answer, **headers: str):
    """A refusal as the controller words it."""
    return answer(status, {
        "type": f"urn:edgeorch:problem:{code}", "title": "T", "status": status, "detail": "what happened",
        "faults": [{"field": "model", "remedy": "push it first"}]}, dict(headers))


def test_a_busy_controller_is_asked_again_after_the_pause_it_names(server, answer):
    server.plan = [problem(503, "overloaded", answer, **{"Retry-After": "1"}), answer(200, {"items": []})]
    assert orchestrator(server.url).devices() == []
    assert len(server.requests) == 2
    assert server.times[1] - server.times[0] >= 1.0


def test_a_pause_beyond_the_limit_is_not_waited_for(server, answer):
    server.plan = [problem(503, "overloaded", answer, **{"Retry-After": "3600"})]
    began = time.monotonic()
    with pytest.raises(ApiError) as caught:
        orchestrator(server.url).devices()
    assert time.monotonic() - began < 5 and caught.value.retry_after == 3600 and caught.value.is_transient


def test_cut_connections_are_tried_again(server, answer):
    server.plan = [answer(cut=True), answer(cut=True), answer(200, {"items": []})]
    assert orchestrator(server.url).devices() == []
    assert len(server.requests) == 3


def test_a_controller_that_stays_away_is_said_with_its_address(server, answer):
    server.plan = [answer(cut=True)]
    with pytest.raises(ConnectionFailed) as caught:
        orchestrator(server.url).devices()
    assert server.url in str(caught.value) and len(server.requests) == FAST.attempts


def test_an_answer_that_does_not_come_in_time_is_given_up(server, answer):
    server.plan = [answer(200, {"items": []}, delay_sec=3)]
    began = time.monotonic()
    with pytest.raises(ConnectionFailed):
        orchestrator(server.url, timeout_sec=0.3, retries=RetryPolicy(attempts=2, first_pause_sec=0.01)).devices()
    assert time.monotonic() - began < 2.5 and len(server.requests) == 2


def test_a_wrong_key_is_refused_once_and_shown_nowhere(server, answer, caplog):
    server.plan = [problem(401, "credential_unknown", answer)]
    client = orchestrator(server.url)
    with caplog.at_level("DEBUG"), pytest.raises(ApiError) as caught:
        client.devices()
    error = caught.value
    assert (error.status, error.code, len(server.requests)) == (401, "credential_unknown", 1)
    assert error.faults[0].remedy == "push it first" and "what happened" in str(error)
    shown = f"{error!r} {error} {client!r} {vars(client)!r} {vars(client._transport)!r} {caplog.text}"
    assert KEY not in shown
    assert server.requests[0][2]["Authorization"] == f"Bearer {KEY}"


def test_a_command_keeps_its_key_over_all_tries(server, answer):
    server.plan = [answer(cut=True), problem(503, "unavailable", answer), answer(200, {})]
    orchestrator(server.url).rollback_model(
        device_id="device_001", model_name="object_detector", target_version="v1.2.0")
    keys = {headers["Idempotency-Key"] for _, _, headers in server.requests}
    assert len(server.requests) == 3 and len(keys) == 1
    assert server.requests[0][:2] == ("POST", "/v1/devices/device_001/rollbacks")


def test_something_else_than_the_controller_is_called_that(server, answer):
    server.plan = [answer(404)]
    with pytest.raises(ApiError, match="not the controller's API"):
        orchestrator(server.url).devices()


def test_an_address_with_a_password_or_a_path_is_refused_without_repeating_it():
    for address in ("http://me:hunter2@host", "ftp://host", "http://host/path", "host:8080", "http://"):
        with pytest.raises(ValueError) as caught:
            Orchestrator(server_url=address, api_key=KEY)
        assert "hunter2" not in str(caught.value)


# Devices


def test_an_enrolment_is_sent_once_because_a_lost_reply_has_used_the_token(server, answer, tmp_path):
    token = "eo1." + "A" * 43 + ".eyJhc3NpZ25tZW50S2V5IjoiYWIiLCJwdWJsaXNoZXJLZXlzIjpbImNkIl19"
    server.plan = [answer(cut=True)]
    device = EdgeDevice(device_id="rpi_001", orchestrator_url=server.url, state_directory=tmp_path, retries=FAST)
    with pytest.raises(ConnectionFailed) as caught:
        device.register(hardware_info={"platform": "raspberry_pi_4"}, token=token)
    assert len(server.requests) == 1 and "A" * 43 not in f"{caught.value} {device!r} {vars(device)!r}"


def test_a_damaged_token_is_not_repeated_in_the_error(tmp_path, monkeypatch):
    monkeypatch.delenv("EDGE_ENROLMENT_TOKEN", raising=False)
    monkeypatch.delenv("EDGE_ENROLMENT_TOKEN_FILE", raising=False)
    device = EdgeDevice(device_id="rpi_001", orchestrator_url="http://127.0.0.1:1", state_directory=tmp_path)
    with pytest.raises(EnrolmentTokenError) as caught:
        device.register(token="eo1.c2VzYW1l.c2VzYW1l")
    assert "c2VzYW1l" not in str(caught.value)
    with pytest.raises(EnrolmentTokenError, match="edgectl token create"):
        device.register()
    with pytest.raises(DeviceStateError, match="call register"):
        device.start_heartbeat()


def test_heartbeats_go_on_after_failures_and_keep_what_was_counted(server, answer, tmp_path):
    (tmp_path / "rpi_001.json").write_text(
        '{"controller": "%s", "device": "rpi_001", "deviceToken": "edt_sesame", "assignmentKey": "", '
        '"publisherKeys": [], "lastStart": 0, "reports": 0}' % server.url)
    reply = {"committedThrough": 0, "assignment": 0, "intervalSeconds": 0.2, "wantsBase": False}
    server.plan = [problem(503, "unavailable", answer), answer(cut=True), answer(200, reply)]
    device = EdgeDevice(
        device_id="rpi_001", orchestrator_url=server.url, state_directory=tmp_path,
        retries=RetryPolicy(attempts=1))
    device.start_heartbeat(interval_sec=0.2)
    deadline = time.monotonic() + 20
    while device.heartbeats_arrived < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    device.stop_heartbeat()
    assert device.heartbeats_arrived >= 2 and device.last_heartbeat_error is None
    assert "edt_sesame" not in repr(device) + repr(vars(device))


def test_a_device_of_another_controller_is_not_taken_over(tmp_path):
    (tmp_path / "rpi_001.json").write_text('{"controller": "http://a:1"}')
    with pytest.raises(DeviceStateError, match="http://a:1"):
        EdgeDevice(device_id="rpi_001", orchestrator_url="http://b:1", state_directory=tmp_path)
