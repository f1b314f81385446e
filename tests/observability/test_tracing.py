"""Spans around jobs: what they say of a run, and that a run ends as it would without them."""

import importlib.util

import pytest

from bakehouse.errors import ConflictError, SettingError
from bakehouse.jobs.job_types import JSON, QueueName, RunningJob, WaitThenContinue
from bakehouse.observability.tracing import UNTRACED, OpenTelemetryTracer, traced, tracing
from tests.jobs.hostile_work import PlayedJob
from tests.observability.recording_tracer import FAILED, RecordingTracer

#: Not asked for by name: the name space is there without it.
HAS_SDK = importlib.util.find_spec("opentelemetry.sdk") is not None


async def succeed(_job: RunningJob) -> JSON:
    return "done"


async def fail(_job: RunningJob) -> JSON:
    raise ConflictError("the passphrase is edsk")


async def wait(_job: RunningJob) -> JSON:
    raise WaitThenContinue(7)


async def test_a_run_is_a_span_with_the_names_of_its_job() -> None:
    recording = RecordingTracer()
    await traced(succeed, OpenTelemetryTracer(recording, FAILED))(PlayedJob({}))

    (span,) = recording.spans
    assert span.is_over
    assert span.name == f"process {QueueName.REWARD_DISTRIBUTION}"
    assert span.attributes == {
        "messaging.system": "bullmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": "reward-distribution",
        "messaging.message.id": "by hand",
        "bakehouse.attempt": 1,
    }
    assert span.status is None


async def test_a_failed_run_is_a_failed_span_without_the_errors_words() -> None:
    recording = RecordingTracer()
    with pytest.raises(ConflictError):
        await traced(fail, OpenTelemetryTracer(recording, FAILED))(PlayedJob({}))

    (span,) = recording.spans
    assert (span.status, span.attributes["error.type"]) == (FAILED, "ConflictError")
    assert "passphrase" not in str(span)


async def test_a_run_that_waits_for_the_chain_has_not_failed() -> None:
    recording = RecordingTracer()
    with pytest.raises(WaitThenContinue) as waits:
        await traced(wait, OpenTelemetryTracer(recording, FAILED))(PlayedJob({}))

    (span,) = recording.spans
    assert waits.value.seconds == span.attributes["bakehouse.waits_seconds"] == 7
    assert span.status is None


async def test_without_an_endpoint_nothing_is_traced_and_all_goes_on_as_it_would() -> None:
    with tracing(None, "1") as tracer:
        assert tracer is UNTRACED
        assert await traced(succeed, tracer)(PlayedJob({})) == "done"
        with pytest.raises(WaitThenContinue):
            await traced(wait, tracer)(PlayedJob({}))


@pytest.mark.skipif(HAS_SDK, reason="OpenTelemetry is installed")
def test_an_endpoint_without_opentelemetry_is_refused_with_what_to_install() -> None:
    with (
        pytest.raises(SettingError, match=r"install bakehouse\[telemetry\]"),
        tracing("http://127.0.0.1:4318/v1/traces", "1"),
    ):
        pass


@pytest.mark.skipif(not HAS_SDK, reason="needs the extra `telemetry`")
async def test_opentelemetry_itself_takes_our_spans() -> None:
    with tracing("http://127.0.0.1:9/v1/traces", "1") as tracer:
        assert await traced(succeed, tracer)(PlayedJob({})) == "done"
