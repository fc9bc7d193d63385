"""The server itself: what is not asked properly is refused properly."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from dispatch.sandbox.server import SandboxServer
from tests.limits import PATIENCE

ROOT = Path(__file__).parents[2]


def raw(url: str, request: bytes) -> bytes:
    """One exchange over a bare socket, read until the server hangs up."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"BREW /service/v1/serviceJobs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /service/v1/serviceJobs HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"POST /service/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /service/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /service/v1/documents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_400(api: Any, request_: bytes) -> None:
    answer = raw(api.url, request_)
    assert b" 400 " in answer.splitlines()[0]
    assert b'"code":"InvalidInput"' in answer
    assert b"x-amzn-RequestId" in answer


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/service/v1/nothing",
        "/service/v1/serviceJobs/1/appointments/2/3/4",
        "/%ff",
        "/_sandbox/nothing",
    ],
)
def test_unknown_addresses_are_404s(api: Any, path: str) -> None:
    for method in ("GET", "POST", "PATCH"):
        answer = api.session.request(method, api.url + path, timeout=PATIENCE)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_body_must_be_a_json_object(api: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    address = f"{api.url}/service/v1/documents"
    answer = api.session.post(address, data=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


def test_other_bodies_and_huge_ones_have_their_own_status(api: Any) -> None:
    address = f"{api.url}/service/v1/documents"
    headers = {"Content-Type": "text/plain"}
    assert (
        api.session.post(address, data=b"{}", headers=headers, timeout=PATIENCE).status_code == 415
    )
    huge = b'{"a":"' + b"x" * 1_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert (
        api.session.post(address, data=huge, headers=headers, timeout=PATIENCE).status_code == 413
    )


def test_a_failing_rule_is_a_500_in_amazons_shape(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dispatch.sandbox import app

    monkeypatch.setitem(app.RULES, "getServiceJobs", lambda call: 1 / 0)
    answer = api.jobs()
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "InternalFailure"


def test_an_id_with_a_slash_stays_one_part(api: Any) -> None:
    api.load(jobs=[{"serviceJobId": "a b"}])
    assert api.call("GET", "/serviceJobs/a%20b").status_code == 200
    assert api.call("GET", "/serviceJobs/a%2Fb").status_code == 422
    assert api.call("GET", f"/serviceJobs/{'x' * 101}").status_code == 400


def test_one_connection_serves_many_requests(api: Any) -> None:
    request = b"GET /_sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n"
    assert raw(api.url, request * 3).count(b"HTTP/1.1 200 OK") == 3


def test_parallel_bookings_of_one_job_leave_one_winner(
    api: Any, connect: Callable[..., Any], tomorrow: Callable[..., str]
) -> None:
    api.load(jobs=[{"serviceJobId": "job-1", "serviceJobStatus": "PENDING_SCHEDULE"}])
    body = {"appointmentTime": {"startTime": tomorrow()}}
    found: list[int] = []

    def book() -> None:
        answer = connect(api.url).call("POST", "/serviceJobs/job-1/appointments", body)
        found.append(answer.status_code)

    threads = [threading.Thread(target=book) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] + [422] * 11


def test_stopping_hangs_up(connect: Callable[..., Any]) -> None:
    server = SandboxServer(jobs=0)
    with server:
        api = connect(server.url)
    with pytest.raises(requests.ConnectionError):
        api.jobs()


def test_it_listens_where_it_is_told_only() -> None:
    with SandboxServer(jobs=0, host="127.0.0.1") as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_the_command_line_serves_and_keeps_its_state(tmp_path: Path) -> None:
    state = tmp_path / "kept" / "sandbox.json"
    command = [sys.executable, "-m", "dispatch.sandbox", "--port", "0", "--jobs", "20"]
    command += ["--no-life", "--state", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Sandbox ready at http://127.0.0.1:")
        url = line.split()[3]
        listed = requests.get(f"{url}/_sandbox/state", timeout=PATIENCE).json()["jobs"]
        assert len(listed) == 20
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_one_sentence(api: Any) -> None:
    port = str(urlsplit(api.url).port)
    command = [sys.executable, "-m", "dispatch.sandbox", "--port", port, "--jobs", "0"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert found.returncode == 1
    assert "cannot listen" in found.stderr
    assert "Traceback" not in found.stderr


def test_nothing_of_dispatch_but_the_operations_is_imported() -> None:
    code = (
        "import sys, dispatch.sandbox.cli; print([m for m in sys.modules if m == 'django' or "
        "m.startswith('dispatch.') and not m.startswith(('dispatch.sandbox', 'dispatch.spapi'))])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert found.stdout.strip() == "[]", found.stderr
