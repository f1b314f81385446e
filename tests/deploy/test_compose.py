"""docker-compose.yml: its parts are ours, and none can do more than it needs."""

import re
from typing import Any

import pytest

from tests.deploy.deployed import (
    DEPLOY,
    ROOT,
    assert_are_settings,
    assert_is_a_command,
    assert_stays_what_it_is,
    documents,
    variables_in,
)

FILE = ROOT / "docker-compose.yml"
[COMPOSE] = documents(FILE)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "bakehouse:local"}
THEIRS = {name: each for name, each in SERVICES.items() if name not in OURS}


def test_the_parts_of_a_house_are_there() -> None:
    assert set(OURS) == {"migrate", "web", "worker", "scheduler", "demo"}
    assert set(THEIRS) == {"redis", "postgres", "prometheus", "grafana"}
    profiles = {name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each}
    assert profiles == {"demo": ["demo"], "prometheus": ["watch"], "grafana": ["watch"]}


@pytest.mark.parametrize("name", OURS)
def test_a_part_of_ours_runs_a_command_with_settings_that_there_are(name: str) -> None:
    assert OURS[name]["build"] == "."
    assert_is_a_command(OURS[name]["command"])
    assert_are_settings(OURS[name].get("environment", {}))


@pytest.mark.parametrize("name", THEIRS)
def test_an_image_of_others_is_one_version_of_docker_hubs(name: str) -> None:
    assert_stays_what_it_is(THEIRS[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_part_can_do_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc"}
    assert service["mem_limit"]
    # Pages are for this machine, or for a proxy on it; nothing else is for anybody.
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_what_money_depends_on_is_reached_by_our_parts_alone(name: str) -> None:
    assert SERVICES[name]["networks"] == ["store"]
    assert "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["store"] == {"internal": True}
    strangers = {each for each, service in SERVICES.items() if "store" in service["networks"]}
    assert strangers <= {*OURS, "redis", "postgres"} - {"demo"}


def test_the_queue_keeps_jobs_when_memory_is_short_and_when_the_power_goes() -> None:
    command = SERVICES["redis"]["command"]
    settings = dict(zip(command[1::2], command[2::2], strict=True))

    assert settings["--maxmemory-policy"] == "noeviction"
    assert (settings["--appendonly"], settings["--appendfsync"]) == ("yes", "always")
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_parts_begin_when_what_they_need_is_there() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("web", "worker", "scheduler"):
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        }
        assert "healthcheck" not in SERVICES[name], "the image's own looks at it"
    for name in ("redis", "postgres"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_running_jobs_have_time_to_end() -> None:
    assert all(service["stop_grace_period"] == "60s" for service in OURS.values())
    assert all(service["init"] is True for service in OURS.values())


def test_only_workers_are_handed_the_passphrase() -> None:
    holders = {name for name, each in SERVICES.items() if "bakehouse-passphrase" in str(each)}
    assert holders == {"worker"}
    assert SERVICES["worker"]["environment"]["CREDENTIALS_DIRECTORY"] == "/run/secrets"


def test_every_volume_secret_and_network_that_is_used_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source[0] == "." else source in COMPOSE["volumes"]


def test_what_a_person_fills_in_has_a_line_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", FILE.read_text()))

    assert asked == set(variables_in(DEPLOY / "compose.env"))
    # Whoever fills it in must not commit it.
    assert {".env", "secrets/"} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_prometheus_asks_parts_that_there_are_where_they_answer() -> None:
    [settings] = documents(DEPLOY / "prometheus" / "prometheus.yml")
    [job] = settings["scrape_configs"]
    [pages], [others] = job["static_configs"], job["dns_sd_configs"]

    assert job["job_name"] == "bakehouse"
    assert pages["targets"] == ["web:3000"]
    assert set(others["names"]) <= set(SERVICES)
    for name in others["names"]:
        health_port = SERVICES[name]["environment"]["BAKEHOUSE_HEALTH_PORT"]
        assert int(health_port) == others["port"]
    token = job["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert token in SERVICES["prometheus"]["secrets"]
    [rules] = settings["rule_files"]
    assert (DEPLOY / "prometheus" / rules.removeprefix("/etc/prometheus/")).exists()


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    [sources] = documents(provisioning / "datasources" / "prometheus.yml")
    [dashboards] = documents(provisioning / "dashboards" / "bakehouse.yml")

    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    folder = dashboards["providers"][0]["options"]["path"]
    assert (
        f"./deploy/grafana/bakehouse.json:{folder}/bakehouse.json:ro"
        in (SERVICES["grafana"]["volumes"])
    )
