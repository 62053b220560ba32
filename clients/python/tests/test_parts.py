"""Names, shares, counts and signatures, without a controller."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_orchestrator import NotTrusted, Orchestrator, RetryPolicy, SigningKeyError, signing
from edge_orchestrator.counting import CounterBook
from edge_orchestrator.device import _label, _text


@pytest.mark.parametrize(("name", "model", "start"), [
    ("yolov8n_v2.onnx", "yolov8n", "v2-"), ("object_detector-v1.2.0.tflite", "object_detector", "v1.2.0-"),
    ("resnet-50.onnx", "resnet", "50-"), ("detector.onnx", "detector", "sha-"),
    ("_weights (final).bin", "weights--final", "sha-"), ("v2.onnx", "v2", "sha-")])
def test_a_files_name_tells_model_and_version_its_content_the_rest(tmp_path, name, model, start):
    (tmp_path / name).write_bytes(b"weights")
    found, version = signing.names_of(tmp_path / name)
    assert found == model and version == start + version[len(start):] and len(version) == len(start) + 12
    (tmp_path / name).write_bytes(b"other weights")
    assert signing.names_of(tmp_path / name)[1] != version


def test_hardware_becomes_labels():
    facts = {"platform": "raspberry_pi_4", "ram_gb": 4, "storage_gb": 32.0, "gpu": False, "note": "two words!"}
    assert {_label(key): _label(_text(value)) for key, value in facts.items()} == {
        "platform": "raspberry_pi_4", "ram_gb": "4", "storage_gb": "32", "gpu": "false", "note": "two_words"}


def test_pauses_double_up_to_the_longest_and_a_pause_that_is_asked_for_is_kept():
    policy = RetryPolicy(attempts=4, first_pause_sec=1, longest_pause_sec=3, total_sec=20)
    assert [policy.pause(number, None, 0, 1) for number in (1, 2, 3, 4)] == [1, 2, 3, None]
    assert policy.pause(1, 7, 0, 1) == 7 and policy.pause(1, 3600, 0, 1) is None


def test_a_signature_is_believed_by_its_key_alone():
    key = signing.PublisherKey(ec.generate_private_key(ec.SECP256R1()))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    digests = {"model.onnx": "ab" * 32, "edge-version.json": "cd" * 32}
    text = signing.bundle(key, digests, "detector/v1")
    digest, files = signing.verified_files(text, [other, key.private.public_key()])
    assert files == digests and len(digest) == 64
    with pytest.raises(NotTrusted):
        signing.verified_files(text, [other])
    changed = json.loads(text)
    changed["dsseEnvelope"]["payload"] = changed["dsseEnvelope"]["payload"].replace("a", "b", 1)
    with pytest.raises(NotTrusted):
        signing.verified_files(json.dumps(changed), [key.private.public_key()])


def test_a_missing_or_wrong_key_is_said_and_a_key_is_shown_nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("EDGECTL_SIGNING_KEY", raising=False)
    monkeypatch.setenv("EDGECTL_CONFIG", str(tmp_path / "config.yaml"))
    with pytest.raises(SigningKeyError, match="edgectl key generate"):
        signing.read_key(None)
    secret = ec.generate_private_key(ec.SECP256R1())
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "publisher.key").write_bytes(pem)
    assert "PRIVATE" not in repr(signing.read_key(None))
    (tmp_path / "publisher.key").write_bytes(pem.replace(b"M", b"N"))
    with pytest.raises(SigningKeyError) as caught:
        signing.read_key(None)
    assert pem.splitlines()[1].decode() not in str(caught.value)


def test_counts_are_told_with_their_base_until_they_are_acknowledged():
    book = CounterBook()
    book.count(0.01, None, None)
    book.began("detector", "ab" * 32, 1)
    book.count(0.001, None, 0.75)
    book.count(0.0011, "timeout", float("nan"))
    (row,) = book.report(1)
    assert row["totals"]["requests"] == 2 and row["totals"]["failures"] == {"timeout": 1}
    assert row["totals"]["latencyBuckets"][:2] == [1, 1] and row["base"]["requests"] == 0
    assert row["totals"]["means"] == {"confidence": [1, 0.75, 0.0]}
    book.acknowledged(1, False)
    book.began("detector", "cd" * 32, 2)
    book.count(0.001, None, None)
    assert [row["start"] for row in book.report(2)] == [1, 2]
    book.acknowledged(2, False)
    assert [row["start"] for row in book.report(3)] == [2]


def test_a_series_that_ended_stays_until_all_of_it_is_acknowledged():
    book = CounterBook()
    book.began("detector", "ab" * 32, 1)
    book.count(0.001, None, None)
    book.report(1)
    book.count(0.001, None, None)
    book.began("detector", "cd" * 32, 2)
    book.acknowledged(1, False)
    first, second = book.report(2)
    assert (first["start"], first["totals"]["requests"], second["start"]) == (1, 2, 2)


def test_arguments_are_checked_before_anything_is_sent(tmp_path):
    client = Orchestrator(server_url="http://127.0.0.1:1", api_key="k", retries=RetryPolicy(attempts=1))
    with pytest.raises(ValueError, match="rollout_percent"):
        client.deploy_model("x.onnx", ["a"], rollout_percent=0)
    with pytest.raises(ValueError, match="target_devices"):
        client.deploy_model("x.onnx", "device_001")
    with pytest.raises(FileNotFoundError):
        client.deploy_model(tmp_path / "x.onnx", ["a"])
