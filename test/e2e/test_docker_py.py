# SPDX-License-Identifier: Apache-2.0
"""Debian's python3-docker against the engine."""
import threading

import pytest

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

IMAGE = "busybox:latest"


@pytest.fixture
def client(engine):
    c = docker.DockerClient(base_url=engine.host)
    yield c
    c.close()


def test_run_gives_the_output_or_the_error(client):
    assert client.containers.run(IMAGE, "echo hello", remove=True, network_mode="none") == b"hello\n"
    with pytest.raises(docker.errors.ContainerError) as failure:
        client.containers.run(IMAGE, ["sh", "-c", "echo bad >&2; exit 3"], remove=True, network_mode="none")
    assert failure.value.exit_status == 3 and failure.value.stderr == b"bad\n"
    with pytest.raises(docker.errors.APIError, match="not found"):
        client.containers.run(IMAGE, "no-such", remove=True, network_mode="none")
    with pytest.raises(docker.errors.NotFound, match="No such container"):
        client.containers.get("none")


def test_a_running_container_is_listed_executed_in_and_stopped(client, name):
    web = client.containers.run(IMAGE, "sleep 1000", detach=True, name=name, labels={"of": name},
                                environment={"A": "b"}, network_mode="none")
    assert [c.name for c in client.containers.list(filters={"label": f"of={name}"})] == [name]
    assert "A=b" in web.attrs["Config"]["Env"]
    assert web.exec_run("echo inside") == (0, b"inside\n")
    assert web.exec_run(["sh", "-c", "exit 9"]).exit_code == 9
    assert b"".join(web.exec_run(["sh", "-c", "echo 1; echo 2"], stream=True).output) == b"1\n2\n"
    web.stop(timeout=1)
    assert web.wait()["StatusCode"] == 137
    web.reload()
    assert web.status == "exited"
    web.remove()


def test_logs_and_attached_output_are_whole(client, name):
    container = client.containers.create(IMAGE, ["sh", "-c", "echo one; echo two"], name=name, network_mode="none")
    got = []
    stream = container.attach(stream=True, logs=False)
    thread = threading.Thread(target=lambda: got.extend(stream))
    thread.start()
    container.start()
    thread.join(20)
    assert b"".join(got) == b"one\ntwo\n"
    assert container.wait()["StatusCode"] == 0
    assert container.logs() == b"one\ntwo\n" and container.logs(tail=1) == b"two\n"
    for _ in range(20):  # the reader's buffer must not swallow what follows the head
        assert container.attach(logs=True, stream=False) == b"one\ntwo\n"


def test_images_are_saved_loaded_tagged_and_removed(client):
    data = b"".join(client.images.get(IMAGE).save(named=True))
    client.images.get(IMAGE).tag("docker-py/app", "1")
    assert client.images.get("docker-py/app:1").id == client.images.get(IMAGE).id
    client.images.remove("docker-py/app:1")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("docker-py/app:1")
    assert [i.id for i in client.images.load(data)] == [client.images.get(IMAGE).id]


def test_events_come_in_order(client, name):
    events = client.events(decode=True, filters={"container": name})
    client.containers.run(IMAGE, "true", remove=True, name=name, network_mode="none")
    actions = []
    for event in events:
        actions.append(event["Action"])
        if event["Action"] == "destroy":
            break
    events.close()
    assert [a for a in actions if a in ("create", "start", "die", "destroy")] == ["create", "start", "die", "destroy"]


def test_a_stream_is_framed_by_what_the_start_says(client, name):
    """docker-py starts a session with a terminal without saying so again, and then expects frames."""
    web = client.containers.run(IMAGE, "sleep 1000", detach=True, name=name, network_mode="none")
    session = client.api.exec_create(web.id, "sh -c 'echo out; echo err >&2'", tty=True)
    assert client.api.exec_start(session, demux=True) == (b"out\r\nerr\r\n", None)
    session = client.api.exec_create(web.id, "sh -c 'echo out; echo err >&2'")
    assert client.api.exec_start(session, demux=True) == (b"out\n", b"err\n")
    session = client.api.exec_create(web.id, "tty", tty=True)
    assert client.api.exec_start(session, tty=True) == b"/dev/pts/0\r\n"


def test_detach_keys_of_the_clients_configuration_end_a_session(client, name):
    web = client.containers.run(IMAGE, "sleep 1000", detach=True, name=name, network_mode="none")
    client.api._general_configs["detachKeys"] = "ctrl-p"
    session = client.api.exec_create(web.id, "cat", stdin=True, tty=True)
    sock = client.api.exec_start(session, tty=True, socket=True)._sock
    sock.sendall(b"\x10")
    sock.settimeout(20)
    while sock.recv(100):
        pass
    assert client.api.exec_inspect(session)["Running"] is True


def test_a_variable_without_a_value_is_shown_as_given(client, name):
    c = client.containers.create(IMAGE, "true", name=name, environment={"FOO": None, "A": ""}, network_mode="none")
    assert {"FOO", "A="} <= set(c.attrs["Config"]["Env"])


def test_waiting_ends_although_a_policy_starts_it_again(client, name):
    c = client.containers.run(IMAGE, "sleep 1", detach=True, name=name, network_mode="none",
                              restart_policy={"Name": "always"})
    assert c.wait(timeout=30)["StatusCode"] == 0
    with pytest.raises(docker.errors.APIError, match="You cannot remove a r(unn|estart)ing container"):
        c.remove()
    c.remove(force=True)


def test_what_cannot_be_loaded_or_found_has_its_own_exception(client):
    with pytest.raises(docker.errors.ImageLoadError):
        client.images.load(b"no archive")
    with pytest.raises(docker.errors.NotFound):
        client.volumes.get("none")
    assert client.volumes.list() == []
