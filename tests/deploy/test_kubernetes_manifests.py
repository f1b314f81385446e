"""The manifests for Kubernetes: our commands in pods that keep to its strictest rules."""

import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.deploy.deployed import (
    DEPLOY,
    ROOT,
    assert_are_settings,
    assert_is_a_command,
    assert_stays_what_it_is,
    documents,
)

FOLDER = DEPLOY / "kubernetes"
[KUSTOMIZATION] = documents(FOLDER / "kustomization.yaml")
OBJECTS: list[dict[str, Any]] = [
    each for name in KUSTOMIZATION["resources"] for each in documents(FOLDER / name)
]
DEPLOYMENTS = {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == "Deployment"}
JOBS = {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == "Job"}
PODS: dict[str, dict[str, Any]] = {
    name: each["spec"]["template"]["spec"] for name, each in (DEPLOYMENTS | JOBS).items()
}
[SETTINGS] = [each["data"] for each in OBJECTS if each["kind"] == "ConfigMap"]

by_pod = pytest.mark.parametrize("name", PODS)
by_deployment = pytest.mark.parametrize("name", DEPLOYMENTS)


def containers(name: str) -> list[dict[str, Any]]:
    return [*PODS[name].get("initContainers", []), *PODS[name]["containers"]]


def secrets(node: Any) -> set[tuple[str, str | None]]:
    """Give the secrets that are asked for below a node, with the keys in them."""
    found: set[tuple[str, str | None]] = set()
    match node:
        case {"secretKeyRef": {"name": name, "key": key}}:
            return {(name, key)}
        case {"secretName": name}:
            return {(name, each["key"]) for each in node.get("items", [])} or {(name, None)}
        case dict():
            found.update(*(secrets(each) for each in node.values()))
        case list():
            found.update(*(secrets(each) for each in node))
    return found


def test_all_files_are_taken_and_all_parts_are_there() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}

    assert set(KUSTOMIZATION["resources"]) == files - {"kustomization.yaml"}
    assert set(DEPLOYMENTS) == {"web", "worker", "scheduler"}
    assert set(JOBS) == {"migrate"}


@by_pod
def test_a_pod_runs_a_command_of_ours_with_settings_that_there_are(name: str) -> None:
    [container] = PODS[name]["containers"]

    assert_is_a_command(container["args"])
    assert container["args"] == [name]
    given = {each["name"]: each.get("value", "") for each in container["env"]}
    assert_are_settings(given | SETTINGS)


@by_pod
def test_a_pod_keeps_to_the_strictest_rules(name: str) -> None:
    pod = PODS[name]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers(name):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert "hostPath" not in str(pod["volumes"])


@by_pod
def test_no_variable_of_a_service_is_taken_for_a_setting(name: str) -> None:
    assert PODS[name]["enableServiceLinks"] is False


@by_pod
def test_where_the_process_writes_there_is_a_volume(name: str) -> None:
    volumes = {volume["name"] for volume in PODS[name]["volumes"]}
    [main] = PODS[name]["containers"]
    writable = {
        each["mountPath"] for each in main["volumeMounts"] if not each.get("readOnly", False)
    }

    assert writable == {"/data", "/tmp"}  # noqa: S108 - of the pod
    for container in containers(name):
        assert {each["name"] for each in container["volumeMounts"]} <= volumes


@by_pod
def test_an_image_is_ours_and_of_one_version(name: str) -> None:
    [image] = KUSTOMIZATION["images"]

    assert {container["image"] for container in containers(name)} == {image["name"]}
    assert_stays_what_it_is(f"{image['name']}:{image['newTag']}")


@by_deployment
def test_a_part_is_watched_and_outlives_the_loss_of_a_machine(name: str) -> None:
    [container] = PODS[name]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    labels = DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]

    for probe, path in (("livenessProbe", "live"), ("readinessProbe", "ready")):
        assert container[probe]["httpGet"]["path"] == f"/health/{path}"
        assert container[probe]["httpGet"]["port"] in ports
    given = {each["name"]: each.get("value", "") for each in container["env"]}
    expected = given.get("BAKEHOUSE_HEALTH_PORT") or given.get("BAKEHOUSE_PORT") or "3000"
    assert [str(port) for port in ports.values()] == [expected]
    assert DEPLOYMENTS[name]["spec"]["replicas"] > 1
    assert PODS[name]["terminationGracePeriodSeconds"] == 60
    [budget] = [
        each["spec"]
        for each in OBJECTS
        if each["kind"] == "PodDisruptionBudget" and each["metadata"]["name"] == name
    ]
    assert budget["minAvailable"] == 1
    for selector in (budget["selector"], DEPLOYMENTS[name]["spec"]["selector"]):
        assert selector["matchLabels"] == labels


def test_keys_are_handed_to_workers_alone_and_to_their_owner_alone() -> None:
    holders = {name for name, pod in PODS.items() if ("bakehouse-keys", None) in secrets(pod)}
    assert holders == {"worker"}
    for name, pod in PODS.items():
        for copying in pod.get("initContainers", []):
            assert "install -m 0600" in copying["command"][2], name
        for volume in pod["volumes"]:
            if volume["name"] == "keys":
                assert volume["emptyDir"]["medium"] == "Memory"


def test_every_secret_that_is_asked_for_is_made_in_the_document() -> None:
    document = (ROOT / "docs" / "deployment.md").read_text()
    made = re.findall(r"create secret generic (\S+)((?: \\\n|.)*)", document)
    keys = {
        (name, key)
        for name, options in made
        for key in re.findall(r"--from-\w+=([\w-]+)=", options)
    }

    asked = set().union(*(secrets(pod) for pod in PODS.values()))
    assert {each for each in asked if each[1]} <= keys
    assert {name for name, _ in asked} == {name for name, _ in made}


def test_only_the_pages_can_be_reached() -> None:
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in OBJECTS
        if each["kind"] == "NetworkPolicy"
    }

    assert policies["nobody-comes-in"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    [rule] = policies["to-the-pages"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 3000}]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on this machine")
def test_kubectl_puts_them_together() -> None:
    done = subprocess.run(  # noqa: S603 - same
        ["kubectl", "kustomize", str(FOLDER)],  # noqa: S607 - a program of the system
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.count("\nkind: ") == len(OBJECTS)
    assert set(re.findall(r"image: (\S+)", done.stdout)) == {"bakehouse:0.1.0"}
