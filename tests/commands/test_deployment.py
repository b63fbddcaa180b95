"""The README's nginx, systemd and backup examples are valid, and say the limits that the service has."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from routes.http.connections import HEAD_BYTES
from routes.http.strict import PAUSE_S
from service.commands.serve import FINISH_S, KEEP_ALIVE_S
from service.config import read_settings
from service.geo.geojson import DEFAULT_LIMITS as GEOJSON
from service.geo.gpx.model import DEFAULT_LIMITS as GPX

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")


def block(first_line: str) -> str:
    """Return the one code block of the README that begins with this line."""
    (found,) = [
        each for each in re.findall(r"```\w+\n(.*?)```", README, re.DOTALL) if each.startswith(first_line)
    ]
    return str(found)


NGINX: Final = block("# /etc/nginx/conf.d/towpath.conf")
UNIT: Final = block("# /etc/systemd/system/towpath.service")
BACKUP: Final = block("#!/bin/sh\n# /usr/local/bin/towpath-backup")
BACKUP_UNITS: Final = block("# /etc/systemd/system/towpath-backup.service")


def directive(name: str) -> str:
    (value,) = re.findall(rf"^\s*{name}\s+([^;]+);", NGINX, re.MULTILINE)
    return str(value)


def test_nginx_lets_through_what_the_service_takes() -> None:
    assert directive("client_max_body_size") == f"{max(GPX.file_bytes, GEOJSON.file_bytes) // 2**20}m"
    count, size = re.fullmatch(r"(\d+) (\d+)k", directive("large_client_header_buffers")).groups()  # type: ignore[union-attr]
    assert int(count) * int(size) * 1024 == HEAD_BYTES
    assert directive("client_body_timeout") == f"{PAUSE_S}s"
    assert int(directive("keepalive_timeout").removesuffix("s")) < KEEP_ALIVE_S


def test_nginx_says_who_asks_and_logs_no_search() -> None:
    assert re.findall(r"X-Forwarded-For (\S+);", NGINX) == ["$remote_addr"]
    (log_format,) = re.findall(r"log_format towpath (.*?);", NGINX, re.DOTALL)
    assert "$uri" in log_format
    assert not {"$request ", '$request"', "$request_uri", "$args"} & set(
        re.findall(r"\$\w+[ \"]?", log_format)
    )


def test_every_directive_of_nginx_ends_and_every_brace_closes() -> None:
    lines = [line.split(" #")[0].strip() for line in NGINX.splitlines() if not line.startswith("#")]
    assert [line for line in lines if line and line[-1] not in ";{}" and "log_format" not in line] == []
    assert NGINX.count("{") == NGINX.count("}") == 2


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_nginx_takes_the_example(tmp_path: Path) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        assert name in NGINX
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=towpath"]
    subprocess.run(
        [*certificate, "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"],
        check=True,
        capture_output=True,
    )
    site = re.sub(r"/etc/letsencrypt/live/[\w.]+|/var/log/nginx", str(tmp_path), NGINX)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{site}\n}}\n", encoding="utf-8")
    done = subprocess.run(
        ["nginx", "-t", "-c", whole, "-e", tmp_path / "error.log"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_service_takes_the_settings_of_the_unit() -> None:
    variables = dict(each.split("=", 1) for each in re.findall(r"^Environment=(.*)$", UNIT, re.MULTILINE))
    settings = read_settings(variables)
    assert settings.proxies
    assert "127.0.0.1" in settings.allowed_hosts
    assert settings.address.removeprefix("https://") in settings.allowed_hosts
    (folder,) = re.findall(r"^StateDirectory=(\w+)$", UNIT, re.MULTILINE)
    assert settings.data == Path("/var/lib") / folder


def test_systemd_waits_until_running_requests_have_finished() -> None:
    (wait_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(wait_s) > 2 * FINISH_S
    assert "KillMode=mixed\n" in UNIT


@pytest.mark.parametrize("text", [UNIT, *BACKUP_UNITS.split("\n\n# ")], ids=["service", "backup", "timer"])
def test_a_unit_is_sections_of_keys(text: str) -> None:
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "/etc/"))]
    assert [line for line in lines if not re.fullmatch(r"\[\w+\]|[A-Z]\w+=\S.*", line)] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = re.findall(
        r"# /etc/systemd/system/([\w.-]+)\n(.*?)(?=\n# /etc/|\Z)", f"{UNIT}\n{BACKUP_UNITS}", re.DOTALL
    )
    assert [name for name, _ in units] == [
        "towpath.service",
        "towpath-backup.service",
        "towpath-backup.timer",
    ]
    for name, text in units:
        program = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text)
        (tmp_path / name).write_text(program, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name, _ in units)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "towpath" in line]) == (0, [])


def test_the_backup_script_keeps_fourteen_and_the_keys_of_the_newest(tmp_path: Path) -> None:
    towpath = "/opt/towpath/.venv/bin/towpath backup"
    assert towpath in BACKUP
    assert "/var/backups/towpath" in BACKUP
    for day in range(1, 21):
        kept = tmp_path / f"2026-01-{day:02}"
        kept.mkdir()
        (kept / "client-keys.sealed").touch()
    (tmp_path / "other").mkdir()
    script = BACKUP.replace(towpath, "mkdir").replace("/var/backups/towpath", str(tmp_path))
    subprocess.run(["sh", "-c", script], check=True)
    folders = sorted(each.name for each in tmp_path.iterdir() if each.name != "other")
    assert len(folders) == 14
    assert folders[:13] == [f"2026-01-{day:02}" for day in range(8, 21)]
    assert (tmp_path / "other").is_dir()
    assert [each.parent.name for each in sorted(tmp_path.glob("*/client-keys.sealed"))] == []


def test_a_failed_backup_deletes_no_earlier_one(tmp_path: Path) -> None:
    for day in range(1, 21):
        (tmp_path / f"2026-01-{day:02}").mkdir()
    script = BACKUP.replace("/opt/towpath/.venv/bin/towpath backup", "false")
    done = subprocess.run(["sh", "-c", script.replace("/var/backups/towpath", str(tmp_path))], check=False)
    assert done.returncode != 0
    assert len(list(tmp_path.iterdir())) == 20
