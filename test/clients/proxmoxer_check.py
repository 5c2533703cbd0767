"""What a Python program made with proxmoxer sees of a node.

Usage: proxmoxer_check.py CHECK < facts.json

Standard input holds host (as 127.0.0.1:8006), node, user and password, and what the check needs besides. The check
prints what it saw as JSON; the test that runs it says what is right. An exception of proxmoxer that a check provokes is
part of what it saw; any other ends this program with a traceback.
"""

import io
import json
import sys
import time
import urllib.parse

from proxmoxer import ProxmoxAPI
from proxmoxer.backends.https import AuthenticationError
from proxmoxer.core import ResourceException

TASK_SECONDS = 240


def connect(facts, **login):
    login = login or {"user": facts["user"], "password": facts["password"]}
    return ProxmoxAPI(facts["host"], verify_ssl=False, **login)


def failure(call, *args, **params):
    """Status and reason of a call that must not succeed. proxmoxer 1.2 itself loses the texts of single parameters."""
    try:
        answer = call(*args, **params)
    except ResourceException as error:
        return {"status": error.status_code, "reason": error.content.split(" - b'")[0]}
    raise AssertionError("it was accepted: %r" % (answer,))


def wait_for(node, upid):
    """Polls a task as programs do; gives its last status."""
    end = time.monotonic() + TASK_SECONDS
    while time.monotonic() < end:
        status = node.tasks(upid).status.get()
        if status["status"] == "stopped":
            return status
        time.sleep(0.1)
    raise AssertionError("%s did not end within %s s" % (upid, TASK_SECONDS))


def done(node, upid):
    """The end of a task: exit status, number of parts of its id, log."""
    status = wait_for(node, upid)
    log = [line["t"] for line in node.tasks(upid).log.get(limit=500)]
    return {"exitstatus": status["exitstatus"], "fields": len(upid.split(":")), "log": log}


def check_login(facts):
    api = connect(facts)
    ticket, csrf = api.get_tokens()
    return {
        "ticket": ticket.split(":")[:2],
        "csrf": bool(csrf),
        "version": api.version.get(),
        "nodes": api.nodes.get(),
        "nextid": api.cluster.nextid.get(),
        "vms": api.cluster.resources.get(type="vm"),
        "status": api.nodes(facts["node"]).status.get(),
        # The same by a path in one piece, and with a slash that is too many.
        "by_path": api("nodes/%s//status/" % facts["node"]).get()["cpuinfo"],
    }


def check_wrong_login(facts):
    seen = {}
    for name, login in facts["logins"].items():
        start = time.monotonic()
        try:
            connect(facts, **login)
            seen[name] = "was let in"
        except AuthenticationError as error:
            seen[name] = {"text": str(error), "in_time": time.monotonic() - start < 5}
    return seen


def check_token(facts):
    api = connect(facts)
    tokens = api.access.users(facts["user"]).token
    made = tokens("check").post(privsep=0, comment="for a check")
    by_token = connect(facts, user=facts["user"], token_name="check", token_value=made["value"])
    seen = {
        "full_id": made["full-tokenid"],
        "version": by_token.version.get(),
        # A write: tokens need no CSRF token.
        "comment": by_token.cluster.options.put(description="by token"),
        "description": by_token.cluster.options.get()["description"],
        "password": failure(by_token.access.password.put, userid=facts["user"], password="another1"),
    }
    wrong = connect(facts, user=facts["user"], token_name="check", token_value=made["value"][::-1])
    seen["wrong_secret"] = failure(wrong.version.get)
    tokens("check").delete()
    seen["removed"] = failure(by_token.version.get)
    return seen


def check_life(facts):
    api = connect(facts)
    node = api.nodes(facts["node"])
    vmid = int(api.cluster.nextid.get())
    vm = node.qemu(vmid)
    seen = {}
    created = node.qemu.create(
        vmid=vmid, name="from-python", memory=64, cores=2, tags="b,a", agent=1, net0="virtio", scsi0="local:1"
    )
    seen["created"] = done(node, created)
    seen["listed"] = [row for row in node.qemu.get() if row["vmid"] == vmid]
    seen["config"] = vm.config.get()
    seen["exists"] = failure(node.qemu.create, vmid=vmid)
    seen["taken"] = failure(api.cluster.nextid.get, vmid=vmid)
    seen["changed"] = change(node, vm)
    started = vm.status.start.post()
    seen["started"] = done(node, started)
    seen["running"] = vm.status.current.get()
    seen["second_start"] = failure(vm.status.start.post)
    seen["delete_running"] = failure(vm.delete)
    seen["stopped"] = done(node, vm.status.stop.create())
    seen["stopped_status"] = vm.status.current.get()
    seen["deleted"] = done(node, vm.delete(purge=1))
    seen["gone"] = failure(vm.config.get)
    seen["tasks"] = [row["type"] for row in node.tasks.get(vmid=vmid)]
    seen["vmid"] = vmid
    return seen


def change(node, vm):
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx+/= a b@example.org"
    return {
        "put": vm.config.put(description="日本語 & 100 % + = ; ü\n2nd line", sshkeys=urllib.parse.quote(key, safe="")),
        "post": done(node, vm.config.post(cores=1, balloon=0)),
        "read": vm.config.get(),
        # A list goes out as a repeated key.
        "delete": vm.config.set(delete=["tags", "agent"]),
        "left": sorted(vm.config.get()),
        "key": key,
    }


def check_container(facts):
    api = connect(facts)
    node = api.nodes(facts["node"])
    vmid = int(api.cluster.nextid.get())
    ct = node.lxc(vmid)
    with open(facts["template"], "rb") as template:
        seen = {"uploaded": done(node, node.storage("local").upload.post(content="vztmpl", filename=template))}
    volume = node.storage("local").content.get(content="vztmpl")[0]["volid"]
    created = node.lxc.create(
        vmid=vmid, ostemplate=volume, hostname="from-python", rootfs="local:0.1", memory=64, password="a secret", tags="b;a"
    )
    seen["created"] = done(node, created)
    seen["config"] = ct.config.get()
    seen["exists"] = failure(node.lxc.create, vmid=vmid, ostemplate=volume)
    seen["started"] = done(node, ct.status.start.post())
    seen["running"] = ct.status.current.get()
    seen["interfaces"] = [one["name"] for one in ct.interfaces.get()]
    seen["changed"] = ct.config.put(cores=1, description="日本語")
    seen["suspended"] = done(node, ct.status.suspend.post())
    seen["resumed"] = done(node, ct.status.resume.post())
    seen["rebooted"] = done(node, ct.status.reboot.post(timeout=30))
    seen["delete_running"] = failure(ct.delete)
    seen["stopped"] = done(node, ct.status.shutdown.post(forceStop=1, timeout=30))
    seen["deleted"] = done(node, ct.delete(purge=1))
    seen["gone"] = failure(ct.config.get)
    seen["left"] = node.lxc.get()
    return seen


def check_container_step(facts):
    """One call on a container, waited for when it is a task. `step` and its `params` come from the test."""
    node = connect(facts).nodes(facts["node"])
    ct = node.lxc(facts["vmid"])
    params = facts.get("params", {})
    steps = {
        "create": lambda: node.lxc.create(vmid=facts["vmid"], **params),
        "start": lambda: ct.status.start.post(),
        "stop": lambda: ct.status.stop.post(),
        "terminal": lambda: ct.termproxy.post(),
        "snapshot": lambda: ct.snapshot.post(**params),
        "rollback": lambda: ct.snapshot(facts["snapshot"]).rollback.post(**params),
        "clone": lambda: ct.clone.post(**params),
        "move": lambda: ct.move_volume.post(**params),
        "resize": lambda: ct.resize.set(**params),
        "remove": lambda: ct.delete(**params),
    }
    if facts.get("refused"):
        return failure(steps[facts["step"]])
    answer = steps[facts["step"]]()
    if not isinstance(answer, str):
        return answer
    return done(node, answer)


def check_upload(facts):
    node = connect(facts).nodes(facts["node"])
    storage = node.storage("local")
    seen = {}
    for name, path in facts["files"].items():
        with open(path, "rb") as image:
            seen[name] = done(node, storage.upload.post(content="iso", filename=image))
    seen["content"] = sorted(storage.content.get(content="iso"), key=lambda row: row["volid"])
    volumes = [row["volid"] for row in seen["content"]]
    seen["details"] = storage.content(volumes[0]).get()
    removals = [storage.content(volume).delete() for volume in volumes]
    seen["removed"] = [wait_for(node, upid)["exitstatus"] for upid in removals if upid]
    seen["left"] = storage.content.get(content="iso")
    wrong = io.BytesIO(b"no image")
    wrong.name = "notes.txt"
    seen["refused"] = failure(storage.upload.post, content="iso", filename=wrong)
    return seen


def check_errors(facts):
    api = connect(facts)
    node = api.nodes(facts["node"])
    weak = connect(facts, **facts["weak"])
    return {
        "missing": failure(node.qemu.post, name="no-vmid"),
        "unknown": failure(node.qemu.post, vmid=900, colour="blue"),
        "boolean": failure(node.qemu.post, vmid=900, onboot=True),
        "range": failure(node.qemu.post, vmid=99),
        "forbidden": failure(weak.nodes(facts["node"]).qemu.post, vmid=900),
        "weak_sees": weak.cluster.resources.get(type="vm"),
        "no_vm": failure(node.qemu(999).status.current.get),
        "no_storage": failure(node.storage("nope").status.get),
        "no_task": failure(node.tasks("UPID:%s:00000001:00000001:00000001:x::root@pam:" % facts["node"]).status.get),
        "no_path": failure(api.nonsense.get),
        "no_verb": failure(api.version.put, a=1),
    }


def check_renewal(facts):
    api = connect(facts)
    auth = api._backend.auth
    first, csrf = api.get_tokens()
    # Tickets carry the second they were made in.
    time.sleep(1.1)
    auth.renew_age = 0
    version = api.version.get()
    auth.renew_age = 3600
    second, _ = api.get_tokens()
    foreign = {"user": facts["weak"]["user"], "password": second}
    try:
        connect(facts, **foreign)
        other = "was let in"
    except AuthenticationError:
        other = "refused"
    return {
        "version": version,
        "renewed": first != second,
        "write": api.cluster.options.put(description="renewed"),
        "ticket_as_password": bool(connect(facts, user=facts["user"], password=second).version.get()),
        "of_another_user": other,
        "no_csrf": without_csrf(facts),
    }


def without_csrf(facts):
    api = connect(facts)
    api._backend.auth.csrf_prevention_token = "00000000:wrong"
    return {"read": bool(api.version.get()), "write": failure(api.cluster.options.put, description="no")}


def main():
    checks = {name[len("check_") :]: one for name, one in globals().items() if name.startswith("check_")}
    json.dump(checks[sys.argv[1]](json.load(sys.stdin)), sys.stdout)


main()
