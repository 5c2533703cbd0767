// packages/web/test/shots.ts
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join as join2 } from "node:path";

// packages/web/dev/mock-server.ts
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

// packages/web/dev/mock-data.ts
var GiB = 1024 ** 3;
var roles = [
  "web",
  "db",
  "mail",
  "build",
  "dns",
  "proxy",
  "cache",
  "ci",
  "wiki",
  "monitor",
  "\u691C\u8A3C",
  "desktop"
];
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
function makeData(count) {
  const nodes = count > 0 ? ["pve1", "pve2", "pve3"] : ["pve1"];
  const listeners = /* @__PURE__ */ new Set();
  const next = random(7);
  const guests = /* @__PURE__ */ new Map();
  for (let i = 0; i < count; i++) {
    const vmid = 100 + i;
    guests.set(vmid, makeGuest(vmid, nodes[Math.floor(i / Math.ceil(count / 3))], next));
  }
  const data = {
    nodes,
    guests,
    tasks: [],
    volumes: makeVolumes(),
    snippets: /* @__PURE__ */ new Map([["web.yaml", "#cloud-config\npackages:\n  - nginx\n"]]),
    bridges: count > 0 ? ["vmbr0", "vmbr1"] : [],
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    listeners: () => listeners.size,
    emit: (event, value) => {
      for (const listener of listeners) listener(event, value);
    },
    startTask: (node2, type, id, ms, done, exit) => startTask(data, node2, type, id, ms, done, exit)
  };
  if (count > 0) addOldTasks(data);
  return data;
}
function makeGuest(vmid, node2, next) {
  const role = roles[Math.floor(next() * roles.length)];
  const draw = next();
  const status = draw < 0.7 ? "running" : draw < 0.95 ? "stopped" : draw < 0.98 ? "paused" : "unknown";
  const memory = [1024, 2048, 4096, 8192][Math.floor(next() * 4)];
  const special = vmid === 100;
  return {
    vmid,
    node: node2,
    name: special ? "web-1" : `${role}-${vmid}`,
    status: special ? "running" : status,
    tags: draw < 0.4 ? "production;tokyo" : draw < 0.5 ? "test" : "",
    ...vmid % 97 === 0 ? { lock: "backup" } : {},
    ...vmid % 89 === 0 ? { template: 1, status: "stopped" } : {},
    config: {
      name: special ? "web-1" : `${role}-${vmid}`,
      ostype: "l26",
      memory: String(memory),
      cores: 2,
      sockets: 1,
      cpu: "x86-64-v2-AES",
      machine: "q35",
      bios: special ? "ovmf" : "seabios",
      scsihw: "virtio-scsi-single",
      scsi0: `local:${vmid}/vm-${vmid}-disk-0.qcow2,discard=on,iothread=1,size=32G,ssd=1`,
      ...special ? { efidisk0: `local:${vmid}/vm-${vmid}-disk-1.qcow2,efitype=4m,size=528K` } : {},
      ide2: "local:iso/debian-13.1.0-amd64-netinst.iso,media=cdrom,size=783M",
      net0: `virtio=BC:24:11:00:0${vmid % 10}:11,bridge=vmbr0,firewall=1`,
      serial0: "socket",
      boot: "order=scsi0;ide2;net0",
      agent: "1",
      onboot: 1,
      description: special ? "Frontend of the shop.\nOwner: \u7530\u4E2D (infra), pager 4711" : "",
      digest: "3d4f".padEnd(40, "0")
    },
    pending: special ? { memory: "8192", net1: "virtio=BC:24:11:00:00:12,bridge=vmbr1", serial0: null } : {}
  };
}
function makeVolumes() {
  const now = 179e7;
  const iso = (name, size, age) => ({
    volid: `local:iso/${name}`,
    content: "iso",
    format: "iso",
    size,
    ctime: now - age
  });
  return [
    iso("debian-13.1.0-amd64-netinst.iso", 783 * 1024 ** 2, 86400 * 3),
    iso("ubuntu-26.04-live-server-amd64.iso", 3.1 * GiB, 86400 * 20),
    iso("Windows11-25H2-x64-ja.iso", 6.6 * GiB, 86400 * 40),
    iso("virtio-win-0.1.285.iso", 753 * 1024 ** 2, 86400 * 40),
    {
      volid: "local:100/vm-100-disk-0.qcow2",
      content: "images",
      format: "qcow2",
      size: 32 * GiB,
      ctime: now - 9e3,
      vmid: 100
    },
    {
      volid: "local:100/vm-100-disk-1.qcow2",
      content: "images",
      format: "qcow2",
      size: 540672,
      ctime: now - 9e3,
      vmid: 100
    },
    { volid: "local:snippets/web.yaml", content: "snippets", format: "snippet", size: 34, ctime: now },
    {
      volid: "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst",
      content: "vztmpl",
      format: "tzst",
      size: 126 * 1024 ** 2,
      ctime: now
    }
  ];
}
var hex = (value) => value.toString(16).toUpperCase().padStart(8, "0");
function newTask(node2, type, id, starttime, pid) {
  return {
    upid: `UPID:${node2}:${hex(pid)}:${hex(123456)}:${hex(starttime)}:${type}:${id}:root@pam:`,
    node: node2,
    pid,
    pstart: 123456,
    starttime,
    type,
    id,
    user: "root@pam",
    log: []
  };
}
var nextPid = 4e3;
function startTask(data, node2, type, id, ms, done, exit = "OK") {
  const task2 = newTask(node2, type, id, Math.floor(Date.now() / 1e3), nextPid++);
  const row = () => ({ ...task2, log: void 0 });
  const steps = ms > 1e3 ? 10 : 1;
  data.tasks.unshift(task2);
  data.emit("task", row());
  let step = 0;
  const timer = setInterval(() => {
    step++;
    task2.log.push(`step ${step} of ${steps}`);
    data.emit("log", { upid: task2.upid, lines: [{ n: task2.log.length, t: task2.log.at(-1) }] });
    if (step < steps) {
      task2.progress = step / steps;
      data.emit("task", row());
      return;
    }
    clearInterval(timer);
    delete task2.progress;
    task2.endtime = Math.floor(Date.now() / 1e3);
    task2.status = exit;
    task2.log.push(exit === "OK" ? "TASK OK" : `TASK ERROR: ${exit}`);
    done?.();
    data.emit("task", row());
  }, ms / steps);
  timer.unref();
  return task2.upid;
}
function addOldTasks(data) {
  const now = Math.floor(Date.now() / 1e3);
  const types2 = ["qmstart", "qmshutdown", "imgcopy", "qmcreate", "qmconfig", "download"];
  for (let i = 0; i < 60; i++) {
    const type = types2[i % types2.length];
    const task2 = newTask(
      "pve1",
      type,
      type === "imgcopy" || type === "download" ? "local" : String(100 + i),
      now - 120 * (i + 1),
      3e3 + i
    );
    task2.endtime = task2.starttime + 1 + i % 50;
    task2.status = i === 3 ? "VM 103: not enough memory: 8 GiB wanted, 3.2 GiB free" : i === 9 ? "WARNINGS: 1" : "OK";
    task2.log.push("starting", task2.status === "OK" ? "TASK OK" : `TASK ERROR: ${task2.status}`);
    data.tasks.push(task2);
  }
}

// packages/web/dev/mock-reply.ts
var GiB2 = 1024 ** 3;
var ok = (data = null) => ({ data });
var fail = (status, message, errors) => ({
  status,
  message,
  ...errors ? { errors } : {}
});
function resourceOf(guest4) {
  const next = random(guest4.vmid);
  const running = guest4.status === "running" || guest4.status === "paused";
  const maxmem = Number(guest4.config.memory) * 1024 ** 2;
  return {
    id: `qemu/${guest4.vmid}`,
    type: "qemu",
    vmid: guest4.vmid,
    node: guest4.node,
    name: guest4.name,
    status: guest4.status,
    maxcpu: 2,
    maxmem,
    maxdisk: 32 * GiB2,
    cpu: running ? next() * 0.6 : 0,
    mem: running ? maxmem * (0.3 + next() * 0.6) : 0,
    uptime: running ? Math.floor(next() * 9e6) : 0,
    netin: 5e8,
    netout: 2e8,
    diskread: 1e9,
    diskwrite: 4e9,
    ...guest4.tags ? { tags: guest4.tags } : {},
    ...guest4.lock ? { lock: guest4.lock } : {},
    ...guest4.template ? { template: 1 } : {}
  };
}
function storageRow(node2, storage, disk, maxdisk) {
  const shared = storage === "backup-nfs";
  return {
    id: `storage/${node2}/${storage}`,
    type: "storage",
    node: node2,
    storage,
    status: node2 === "pve3" ? "unknown" : "available",
    plugintype: shared ? "nfs" : "dir",
    content: shared ? "backup" : "images,iso,vztmpl,backup,snippets,import",
    disk,
    maxdisk,
    shared: shared ? 1 : 0
  };
}
function rrd(keys) {
  const end = Math.floor(Date.now() / 6e4) * 60;
  return Array.from({ length: 70 }, (_, i) => {
    const values = Object.entries(keys).map(([key, value]) => [key, value(i)]);
    return { time: end - (69 - i) * 60, ...Object.fromEntries(values) };
  });
}
var wave = (base2, size, period) => (t) => Math.max(0, base2 + size * Math.sin(t / period) + size * 0.3 * Math.sin(t * 1.7));

// packages/web/dev/mock-access.ts
var cap = {
  vms: Object.fromEntries(
    [
      "Allocate",
      "PowerMgmt",
      "Console",
      "Clone",
      "Snapshot",
      "Config.Cloudinit",
      "GuestAgent.Unrestricted"
    ].map((one) => [`VM.${one}`, 1])
  ),
  storage: { "Datastore.AllocateTemplate": 1, "Datastore.Allocate": 1 },
  nodes: { "Sys.Audit": 1, "Sys.Modify": 1 },
  access: {},
  dc: {}
};
var accessRoutes = [
  [
    "GET /access/domains",
    () => ok([
      { realm: "pam", type: "pam", comment: "Linux PAM" },
      { realm: "pve", type: "pve", comment: "Ryokan", default: 1 }
    ])
  ],
  [
    "POST /access/ticket",
    (_, __, { username, password }) => password === "wrong" ? fail(401, "authentication failure") : ok({ username, ticket: "PVE:root@pam:00000000::mock", CSRFPreventionToken: "00000000:mock", cap })
  ],
  [
    "GET /access/users",
    () => ok([
      {
        userid: "root@pam",
        enable: 1,
        comment: "Super user",
        "realm-type": "pam",
        tokens: [{ tokenid: "terraform", privsep: 1, expire: 0, comment: "CI" }]
      },
      {
        userid: "admin@pve",
        enable: 1,
        firstname: "\u82B1\u5B50",
        lastname: "\u7530\u4E2D",
        email: "hanako@example.jp",
        groups: "admins",
        "realm-type": "pve"
      },
      { userid: "guest@pve", enable: 0, expire: 17e8, "realm-type": "pve" }
    ])
  ],
  ["GET /access/groups", () => ok([{ groupid: "admins", comment: "Administrators", users: "admin@pve" }])],
  [
    "GET /access/roles",
    () => ok([
      { roleid: "Administrator", special: 1, privs: "VM.Allocate,VM.Audit,Sys.Audit,Sys.Modify" },
      { roleid: "PVEAuditor", special: 1, privs: "VM.Audit,Sys.Audit,Datastore.Audit" },
      { roleid: "Operators", special: 0, privs: "VM.PowerMgmt,VM.Console" }
    ])
  ],
  [
    "GET /access/acl",
    () => ok([
      { path: "/", type: "user", ugid: "admin@pve", roleid: "Administrator", propagate: 1 },
      { path: "/vms/100", type: "token", ugid: "root@pam!terraform", roleid: "PVEVMUser", propagate: 1 },
      { path: "/pool/shop", type: "group", ugid: "admins", roleid: "PVEAuditor", propagate: 0 }
    ])
  ],
  ["(?:POST|PUT|DELETE) /access/.*", () => ok()]
];

// packages/web/dev/mock-agent.ts
var guest = "/nodes/([^/]+)/qemu/(\\d+)";
var commands = ["guest-fsfreeze-freeze", "guest-fstrim", "guest-set-user-password"];
var frozen = false;
var agentRoutes = [
  [
    `GET ${guest}/agent/info`,
    (_, match) => match[2] === "101" ? { status: 500, message: "QEMU guest agent is not running" } : ok({
      result: {
        version: "9.2.0",
        supported_commands: commands.map((name) => ({ name, enabled: true }))
      }
    })
  ],
  [
    `GET ${guest}/agent/network-get-interfaces`,
    () => ok({
      result: [
        { name: "lo", "ip-addresses": [{ "ip-address": "127.0.0.1" }] },
        {
          name: "ens18",
          "ip-addresses": [
            { "ip-address": "192.0.2.101" },
            { "ip-address": "2001:db8::101" },
            { "ip-address": "fe80::1" }
          ]
        }
      ]
    })
  ],
  [
    `GET ${guest}/agent/get-osinfo`,
    () => ok({
      result: {
        "pretty-name": "Debian GNU/Linux 13 (trixie)",
        "kernel-release": "6.12.41+deb13-amd64",
        id: "debian"
      }
    })
  ],
  [`GET ${guest}/agent/get-host-name`, () => ok({ result: { "host-name": "web-1.example.jp" } })],
  [
    `GET ${guest}/agent/get-fsinfo`,
    () => ok({
      result: [
        { name: "sda1", mountpoint: "/", type: "ext4", "used-bytes": 9.4 * GiB2, "total-bytes": 30 * GiB2 },
        {
          name: "sda2",
          mountpoint: "/var/lib/postgresql",
          type: "xfs",
          "used-bytes": 92 * GiB2,
          "total-bytes": 100 * GiB2
        },
        { name: "sda15", mountpoint: "/boot/efi", type: "vfat", "used-bytes": 9e6, "total-bytes": 13e7 }
      ]
    })
  ],
  [
    `GET ${guest}/agent/get-users`,
    () => ok({ result: [{ user: "hanako", "login-time": Math.floor(Date.now() / 1e3) - 5400.5 }] })
  ],
  [`POST ${guest}/agent/fsfreeze-status`, () => ok({ result: frozen ? "frozen" : "thawed" })],
  [
    `POST ${guest}/agent/fsfreeze-(freeze|thaw)`,
    (_, match) => {
      frozen = match[3] === "freeze";
      return ok({ result: 3 });
    }
  ],
  [
    `POST ${guest}/agent/fstrim`,
    () => ok({
      result: {
        paths: [
          { path: "/", trimmed: 2.4 * GiB2 },
          { path: "/boot", error: "not supported" }
        ]
      }
    })
  ],
  [`POST ${guest}/agent/set-user-password`, () => ok({ result: {} })]
];

// packages/web/dev/mock-devices.ts
var node = "/nodes/([^/]+)";
var guest2 = `${node}/qemu/(\\d+)`;
var dumps = {
  user: [
    "#cloud-config",
    "hostname: web-1",
    "user: hanako",
    "ssh_authorized_keys:",
    "  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample hanako@laptop",
    "package_upgrade: true"
  ].join("\n"),
  network: "version: 1\nconfig:\n  - type: physical\n    name: eth0\n    subnets:\n      - type: dhcp4",
  meta: "instance-id: 0c1a5e1f0a1b"
};
var deviceRoutes = [
  [
    `GET ${guest2}/cloudinit`,
    (data, match) => {
      const config = data.guests.get(Number(match[2]))?.config ?? {};
      if (match[2] !== "100") return ok([]);
      return ok([
        { key: "ciuser", value: "hanako" },
        { key: "ipconfig0", value: "ip=dhcp", pending: String(config.ipconfig0 ?? "") }
      ]);
    }
  ],
  [`PUT ${guest2}/cloudinit`, () => ok()],
  [`GET ${guest2}/cloudinit/dump`, (_, __, { type = "" }) => ok(dumps[type] ?? "")],
  [
    `GET ${node}/storage/([^/]+)/snippets/([^/]+)`,
    (data, match) => ok({ content: data.snippets.get(match[3]) ?? "", digest: "d" })
  ],
  [
    `PUT ${node}/storage/([^/]+)/snippets/([^/]+)`,
    (data, match, { content = "" }) => {
      const [, , storage, name = ""] = match;
      data.snippets.set(name, content);
      return ok({ volid: `${storage}:snippets/${name}`, digest: "d" });
    }
  ],
  [
    `POST ${guest2}/move_disk`,
    (data, match) => ok(data.startTask(match[1], "qmmove", match[2], 4e3))
  ],
  [
    `GET ${node}/hardware/usb`,
    () => ok([
      {
        busnum: 1,
        devnum: 1,
        class: 9,
        level: 0,
        port: 0,
        vendid: "1d6b",
        prodid: "0002",
        speed: "480",
        product: "xHCI Host Controller"
      },
      {
        busnum: 1,
        devnum: 3,
        class: 0,
        level: 1,
        port: 2,
        vendid: "0951",
        prodid: "1666",
        speed: "480",
        usbpath: "2",
        manufacturer: "Kingston",
        product: "DataTraveler 3.0"
      },
      {
        busnum: 2,
        devnum: 2,
        class: 0,
        level: 1,
        port: 1,
        vendid: "096e",
        prodid: "0858",
        speed: "12",
        usbpath: "1.4",
        product: "License key"
      }
    ])
  ],
  [
    `GET ${node}/hardware/pci`,
    () => ok([
      {
        id: "0000:01:00.0",
        class: "0x030000",
        vendor_name: "NVIDIA Corporation",
        device_name: "L4",
        iommugroup: 14
      },
      {
        id: "0000:03:00.0",
        class: "0x020000",
        vendor_name: "Intel Corporation",
        device_name: "I350 Gigabit Network Connection",
        iommugroup: 20
      },
      {
        id: "0000:03:00.1",
        class: "0x020000",
        vendor_name: "Intel Corporation",
        device_name: "I350 Gigabit Network Connection",
        iommugroup: 20
      }
    ])
  ],
  ["GET /cluster/mapping/usb", () => ok([{ id: "dongle", description: "License key", map: [], error: [] }])],
  ["GET /cluster/mapping/pci", () => ok([{ id: "gpu", description: "Any GPU", map: [], checks: [] }])]
];

// packages/web/dev/mock-guests.ts
var guest3 = (data, match) => data.guests.get(Number(match[2]));
function power(type, status) {
  return (data, match) => {
    const one = guest3(data, match);
    if (!one)
      return fail(500, `Configuration file 'nodes/${match[1]}/qemu-server/${match[2]}.conf' does not exist`);
    return ok(
      data.startTask(one.node, type, String(one.vmid), 900, () => {
        if (status) one.status = status;
        data.emit("resource", resourceOf(one));
      })
    );
  };
}
function setConfig(data, match, params) {
  const one = guest3(data, match);
  if (!one) return void 0;
  for (const [key, value] of Object.entries(params)) {
    if (key === "digest" || key === "background_delay") continue;
    if (key === "revert") for (const name of value.split(",")) delete one.pending[name];
    else if (key === "delete") {
      for (const name of value.split(",")) {
        if (one.status === "running") one.pending[name] = null;
        else delete one.config[name];
      }
    } else if (one.status === "running" && !["description", "name", "tags", "onboot", "protection"].includes(key)) {
      one.pending[key] = value;
    } else one.config[key] = value;
  }
  data.emit("config", { path: `nodes/${one.node}/qemu-server/${one.vmid}.conf` });
  return one;
}
function pendingRows(one) {
  const keys = /* @__PURE__ */ new Set([...Object.keys(one.config), ...Object.keys(one.pending)]);
  keys.delete("digest");
  return [...keys].map((key) => {
    const change = one.pending[key];
    return {
      key,
      ...one.config[key] === void 0 ? {} : { value: String(one.config[key]) },
      ...change === void 0 ? {} : change === null ? { delete: 1 } : { pending: change }
    };
  });
}
var guestRoutes = [
  [
    "POST /nodes/([^/]+)/qemu",
    (data, [, node2], params) => {
      const vmid = Number(params.vmid);
      if (data.guests.has(vmid)) return fail(500, `unable to create VM ${vmid}: config file already exists`);
      return ok(
        data.startTask(node2, "qmcreate", String(vmid), 1500, () => {
          const { vmid: _, start, ...config } = params;
          const one = {
            vmid,
            node: node2,
            name: config.name ?? `VM${vmid}`,
            status: start === "1" ? "running" : "stopped",
            tags: "",
            config: { ...config, digest: "0" },
            pending: {}
          };
          data.guests.set(vmid, one);
          data.emit("resource", resourceOf(one));
        })
      );
    }
  ],
  [
    "GET /nodes/([^/]+)/qemu/(\\d+)/status/current",
    (data, match) => {
      const one = guest3(data, match);
      if (!one) return fail(500, "no such VM");
      const row = resourceOf(one);
      const running = one.status !== "stopped";
      return ok({
        ...row,
        status: running ? "running" : "stopped",
        qmpstatus: one.status,
        cpus: 2,
        ha: { managed: 0 },
        ...running ? { pid: 4242, "running-machine": "pc-q35-10.0+pve1", "running-qemu": "10.0.3", agent: 1 } : {}
      });
    }
  ],
  [
    "GET /nodes/([^/]+)/qemu/(\\d+)/config",
    (data, match) => {
      const one = guest3(data, match);
      if (!one) return fail(500, "no such VM");
      const next = { ...one.config };
      for (const [key, value] of Object.entries(one.pending)) {
        if (value === null) delete next[key];
        else next[key] = value;
      }
      return ok(next);
    }
  ],
  [
    "PUT /nodes/([^/]+)/qemu/(\\d+)/config",
    (data, match, params) => params.scsi1 === "bad" ? fail(400, "Parameter verification failed.", { scsi1: "bad" }) : ok(setConfig(data, match, params) && null)
  ],
  [
    "POST /nodes/([^/]+)/qemu/(\\d+)/config",
    (data, match, params) => ok(
      data.startTask(
        match[1],
        "qmconfig",
        match[2],
        700,
        () => void setConfig(data, match, params)
      )
    )
  ],
  [
    "PUT /nodes/([^/]+)/qemu/(\\d+)/(?:resize|unlink)",
    (data, match) => ok(data.startTask(match[1], "resize", match[2], 700))
  ],
  [
    "GET /nodes/([^/]+)/qemu/(\\d+)/pending",
    (data, match) => {
      const one = guest3(data, match);
      return one ? ok(pendingRows(one)) : fail(500, "no such VM");
    }
  ],
  [
    "GET /nodes/([^/]+)/qemu/(\\d+)/rrddata",
    () => ok(
      rrd({
        cpu: wave(0.3, 0.2, 7),
        mem: wave(2.4 * GiB2, 0.3 * GiB2, 15),
        maxmem: () => 4 * GiB2,
        netin: wave(1e6, 9e5, 4),
        netout: wave(4e5, 3e5, 6),
        diskread: wave(5e5, 5e5, 3),
        diskwrite: wave(2e6, 1e6, 5)
      })
    )
  ],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/start", power("qmstart", "running")],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/shutdown", power("qmshutdown", "stopped")],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/stop", power("qmstop", "stopped")],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/reboot", power("qmreboot", "running")],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/reset", power("qmreset", void 0)],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/suspend", power("qmsuspend", "paused")],
  ["POST /nodes/([^/]+)/qemu/(\\d+)/status/resume", power("qmresume", "running")],
  [
    "DELETE /nodes/([^/]+)/qemu/(\\d+)",
    (data, match) => ok(
      data.startTask(match[1], "qmdestroy", match[2], 800, () => {
        data.guests.delete(Number(match[2]));
        data.emit("resource", { id: `qemu/${match[2]}`, removed: 1 });
      })
    )
  ]
];

// packages/web/dev/mock-nodes.ts
function resources(data) {
  const nodes = data.nodes.map((node2, index) => ({
    id: `node/${node2}`,
    type: "node",
    node: node2,
    status: index === 2 ? "offline" : "online",
    cpu: 0.23 + index / 10,
    maxcpu: 16,
    mem: 41 * GiB2,
    maxmem: 64 * GiB2,
    disk: 30 * GiB2,
    maxdisk: 100 * GiB2,
    uptime: 1234567
  }));
  const storages = data.nodes.flatMap((node2) => [
    storageRow(node2, "local", 420 * GiB2, 1e3 * GiB2),
    storageRow(node2, "backup-nfs", 3700 * GiB2, 4e3 * GiB2)
  ]);
  return [...nodes, ...storages, ...[...data.guests.values()].map(resourceOf)];
}
function warnings(data, node2) {
  if (node2 !== "pve1") return [];
  return [
    {
      id: "tcg",
      severity: "warning",
      text: "KVM does not work on this host: guests run under TCG, which is slow."
    },
    ...data.bridges.length === 0 ? [
      {
        id: "no-bridge",
        severity: "info",
        text: "There is no bridge vmbr0: guests have no network.",
        action: "nodes.network.nat-bridge"
      }
    ] : []
  ];
}
function nodeStatusAnswer() {
  return {
    cpu: 0.23,
    wait: 0.01,
    idle: 0,
    uptime: 1234567,
    loadavg: ["2.10", "1.95", "1.80"],
    memory: { total: 64 * GiB2, used: 41 * GiB2, free: 10 * GiB2, available: 22 * GiB2 },
    swap: { total: 8 * GiB2, used: 0.2 * GiB2, free: 7.8 * GiB2 },
    rootfs: { total: 100 * GiB2, used: 30 * GiB2, free: 70 * GiB2, avail: 65 * GiB2 },
    cpuinfo: { model: "AMD EPYC 7313P 16-Core Processor", cpus: 32, cores: 16, sockets: 1 },
    kversion: "Linux 6.12.41",
    "current-kernel": {
      sysname: "Linux",
      release: "6.12.41+deb13-amd64",
      version: "#1 SMP",
      machine: "x86_64"
    },
    "boot-info": { mode: "efi", secureboot: 0 },
    pveversion: "ryokan/9.0.3",
    qemuversion: "10.0.3",
    accelerator: { name: "tcg", reason: "the test guest did not run" }
  };
}
var nodeRoutes = [
  ["GET /version", () => ok({ release: "9.0", version: "9.0.3", repoid: "abcdef01" })],
  ["GET /cluster/resources", (data) => ok(resources(data))],
  ["GET /cluster/tasks", (data) => ok(data.tasks.slice(0, 100).map((task2) => ({ ...task2, log: void 0 })))],
  ["GET /cluster/nextid", (data) => ok(String(Math.max(99, ...data.guests.keys()) + 1))],
  ["GET /nodes/([^/]+)/status", () => ok(nodeStatusAnswer())],
  ["GET /nodes/([^/]+)/version", () => ok({ version: "9.0.3", release: "9.0", repoid: "abcdef01" })],
  ["GET /nodes/([^/]+)/warnings", (data, [, node2]) => ok(warnings(data, node2))],
  [
    "GET /nodes/([^/]+)/rrddata",
    () => ok(
      rrd({
        cpu: wave(0.25, 0.15, 8),
        iowait: wave(0.03, 0.02, 5),
        memused: wave(41 * GiB2, 2 * GiB2, 20),
        memtotal: () => 64 * GiB2,
        loadavg: wave(3, 1.5, 9),
        netin: wave(3e6, 2e6, 4),
        netout: wave(1e6, 8e5, 6)
      })
    )
  ],
  [
    "GET /nodes/([^/]+)/tasks",
    (data, [, node2], { vmid }) => ok(
      data.tasks.filter((task2) => task2.node === node2 && (!vmid || task2.id === vmid)).map((task2) => ({ ...task2, log: void 0 }))
    )
  ],
  [
    "GET /nodes/([^/]+)/tasks/(UPID.*)/status",
    (data, [, , upid]) => {
      const task2 = data.tasks.find((one) => one.upid === upid);
      if (!task2) return fail(400, "Parameter verification failed.", { upid: "no such task" });
      return ok({
        ...task2,
        log: void 0,
        status: task2.endtime ? "stopped" : "running",
        ...task2.endtime ? { exitstatus: task2.status } : {}
      });
    }
  ],
  [
    "GET /nodes/([^/]+)/tasks/(UPID.*)/log",
    (data, [, , upid]) => ok(data.tasks.find((one) => one.upid === upid)?.log.map((t, index) => ({ n: index + 1, t })) ?? [])
  ],
  ["DELETE /nodes/([^/]+)/tasks/(UPID.*)", () => ok()],
  [
    "GET /nodes/([^/]+)/network",
    (data, _, { type }) => ok(
      [
        ...data.bridges.map((iface) => ({
          iface,
          type: "bridge",
          active: 1,
          exists: 1,
          autostart: 1,
          method: "static",
          cidr: iface === "vmbr0" ? "192.0.2.10/24" : "10.10.10.1/24",
          bridge_ports: iface === "vmbr0" ? "eno1" : ""
        })),
        { iface: "eno1", type: "eth", active: 1, exists: 1, method: "manual" },
        { iface: "lo", type: "loopback", active: 1, method: "loopback", cidr: "127.0.0.1/8" }
      ].filter((one) => !type || one.type === "bridge")
    )
  ],
  [
    "GET /nodes/([^/]+)/network/nat-bridge",
    (data) => ok(
      data.bridges.includes("vmbr1") ? {
        iface: "vmbr1",
        cidr: "10.10.10.1/24",
        active: 1,
        leases: [
          {
            ip: "10.10.10.101",
            mac: "bc:24:11:00:00:11",
            hostname: "web-1",
            expires: Math.floor(Date.now() / 1e3) + 3e3
          }
        ]
      } : { active: 0, leases: [] }
    )
  ],
  [
    "POST /nodes/([^/]+)/network/nat-bridge",
    (data, [, node2], { iface = "vmbr0" }) => ok(
      data.startTask(node2, "natbridge", iface, 1200, () => {
        data.bridges = [...data.bridges, iface];
        data.emit("warning", { node: node2 });
      })
    )
  ],
  [
    "GET /nodes/([^/]+)/capabilities/qemu/cpu",
    () => ok(
      [
        "host",
        "max",
        "kvm64",
        "qemu64",
        "x86-64-v2",
        "x86-64-v2-AES",
        "x86-64-v3",
        "x86-64-v4",
        "EPYC",
        "Skylake-Server"
      ].map((name) => ({ name, vendor: "default", custom: 0 }))
    )
  ],
  [
    "GET /nodes/([^/]+)/capabilities/qemu/machines",
    () => ok(
      [
        ["pc-i440fx-10.0", "i440fx"],
        ["pc-q35-10.0", "q35"],
        ["pc-q35-9.2", "q35"]
      ].map(([id, type]) => ({ id, type, version: "10.0" }))
    )
  ],
  [
    "POST /nodes/([^/]+)/(?:qemu/\\d+/)?(?:vncproxy|termproxy)",
    () => fail(500, "the mock server has no consoles")
  ]
];

// packages/web/dev/mock-snapshots.ts
var states = /* @__PURE__ */ new WeakMap();
var day = 86400;
function stateOf(guest4) {
  let state = states.get(guest4);
  if (!state) {
    const now = Math.floor(Date.now() / 1e3);
    const made = (name, parent, age, description, vmstate) => ({ name, parent, snaptime: now - age, description, vmstate });
    state = guest4.vmid === 100 ? {
      parent: "before-upgrade",
      snapshots: [
        made("fresh", void 0, 90 * day, "Debian 13, nothing installed yet", 0),
        made("web-installed", "fresh", 60 * day, "nginx 1.26\n\u8A2D\u5B9A\u306F\u672A\u5909\u66F4", 0),
        made("try-caddy", "web-installed", 30 * day, "Trial of another web server", 1),
        made("try-caddy-2", "try-caddy", 29 * day, "", 0),
        made("before-upgrade", "web-installed", 3700, "Shop 4.1, before the upgrade to 4.2", 1)
      ]
    } : { parent: void 0, snapshots: [] };
    states.set(guest4, state);
  }
  return state;
}
var guestOf = (data, match) => data.guests.get(Number(match[2]));
var changed = (data, guest4) => data.emit("config", { path: `nodes/${guest4.node}/qemu-server/${guest4.vmid}.conf` });
function task(type, ms, done) {
  return (data, match, params) => {
    const guest4 = guestOf(data, match);
    if (!guest4) return fail(500, "no such VM");
    return ok(
      data.startTask(guest4.node, type, String(guest4.vmid), ms, () => {
        done(guest4, match, params, data);
        changed(data, guest4);
      })
    );
  };
}
var base = "/nodes/([^/]+)/qemu/(\\d+)";
var snapshotRoutes = [
  [
    `GET ${base}/snapshot`,
    (data, match) => {
      const guest4 = guestOf(data, match);
      if (!guest4) return fail(500, "no such VM");
      const { snapshots, parent } = stateOf(guest4);
      return ok([...snapshots, { name: "current", description: "You are here!", parent, running: 1 }]);
    }
  ],
  [
    `POST ${base}/snapshot`,
    task("qmsnapshot", 2500, (guest4, _, params) => {
      const state = stateOf(guest4);
      state.snapshots.push({
        name: params.snapname,
        description: params.description ?? "",
        parent: state.parent,
        snaptime: Math.floor(Date.now() / 1e3),
        vmstate: params.vmstate === "1" ? 1 : 0
      });
      state.parent = params.snapname;
    })
  ],
  [
    `DELETE ${base}/snapshot/([^/]+)`,
    task("qmdelsnapshot", 900, (guest4, match) => {
      const state = stateOf(guest4);
      const gone = state.snapshots.find((one) => one.name === match[3]);
      state.snapshots = state.snapshots.filter((one) => one !== gone);
      for (const one of state.snapshots) if (one.parent === gone?.name) one.parent = gone?.parent;
      if (state.parent === gone?.name) state.parent = gone?.parent;
    })
  ],
  [
    `POST ${base}/snapshot/([^/]+)/rollback`,
    task("qmrollback", 1500, (guest4, match) => {
      stateOf(guest4).parent = match[3];
    })
  ],
  [
    `PUT ${base}/snapshot/([^/]+)/config`,
    (data, match, { description = "" }) => {
      const guest4 = guestOf(data, match);
      const snapshot = guest4 && stateOf(guest4).snapshots.find((one) => one.name === match[3]);
      if (!guest4 || !snapshot) return fail(500, `snapshot '${match[3]}' does not exist`);
      snapshot.description = description;
      changed(data, guest4);
      return ok();
    }
  ],
  [
    `POST ${base}/clone`,
    task("qmclone", 1200, (guest4, _, params, data) => {
      const vmid = Number(params.newid);
      const name = params.name ?? `Copy-of-VM-${guest4.name}`;
      const { template: _template, ...rest } = guest4;
      const clone = {
        ...rest,
        vmid,
        name,
        status: "stopped",
        config: { ...guest4.config, name },
        pending: {}
      };
      data.guests.set(vmid, clone);
      data.emit("resource", resourceOf(clone));
    })
  ],
  [
    `POST ${base}/template`,
    task("qmtemplate", 900, (guest4, _, __, data) => {
      Object.assign(guest4, { template: 1 });
      data.emit("resource", resourceOf(guest4));
    })
  ]
];

// packages/web/dev/mock-storage.ts
function nodeStorage(node2, storage) {
  const row = storageRow(node2, storage, 420 * GiB2, 1e3 * GiB2);
  return {
    storage,
    type: row.plugintype,
    content: row.content,
    active: 1,
    enabled: 1,
    shared: row.shared,
    total: row.maxdisk,
    used: row.disk,
    avail: row.maxdisk - row.disk,
    used_fraction: row.disk / row.maxdisk,
    formats: { default: "qcow2", supported: ["raw", "qcow2"] }
  };
}
var storageRoutes = [
  [
    "GET /nodes/([^/]+)/storage",
    (_, [, node2], { content }) => ok(
      ["local", "backup-nfs"].map((storage) => nodeStorage(node2, storage)).filter((row) => !content || row.content.split(",").includes(content))
    )
  ],
  [
    "GET /nodes/([^/]+)/storage/([^/]+)/status",
    (_, [, node2, storage]) => ok(nodeStorage(node2, storage))
  ],
  [
    "GET /nodes/([^/]+)/storage/([^/]+)/content",
    (data, [, , storage], { content }) => ok(storage === "local" ? data.volumes.filter((one) => !content || one.content === content) : [])
  ],
  [
    "DELETE /nodes/([^/]+)/storage/([^/]+)/content/(.+)",
    (data, [, node2, storage, volid]) => ok(
      data.startTask(node2, "imgdel", storage, 500, () => {
        const index = data.volumes.findIndex((one) => one.volid === volid);
        if (index >= 0) data.volumes.splice(index, 1);
      })
    )
  ],
  [
    "POST /nodes/([^/]+)/storage/([^/]+)/upload",
    (data, [, node2, storage]) => ok(data.startTask(node2, "imgcopy", storage, 600))
  ],
  [
    "POST /nodes/([^/]+)/storage/([^/]+)/download-url",
    (data, [, node2, storage]) => ok(data.startTask(node2, "download", storage, 6e3))
  ],
  [
    "GET /nodes/([^/]+)/query-url-metadata",
    () => ok({
      filename: "debian-13.1.0-amd64-netinst.iso",
      size: 783 * 1024 ** 2,
      mimetype: "application/x-iso9660-image"
    })
  ],
  [
    "GET /storage",
    () => ok([
      {
        storage: "local",
        type: "dir",
        path: "/var/lib/ryokan/storage",
        content: "images,iso,vztmpl,backup,snippets,import",
        digest: "0"
      },
      {
        storage: "backup-nfs",
        type: "nfs",
        server: "192.0.2.50",
        export: "/export/backup",
        content: "backup",
        shared: 1,
        digest: "0"
      }
    ])
  ]
];

// packages/web/dev/mock-routes.ts
var routes = [
  ...accessRoutes,
  ...nodeRoutes,
  ...storageRoutes,
  ...guestRoutes,
  ...snapshotRoutes,
  ...deviceRoutes,
  ...agentRoutes
];
function answer(data, verb, path, params) {
  for (const [pattern, handler] of routes) {
    const match = new RegExp(`^${pattern}$`).exec(`${verb} ${path}`);
    if (match) return handler(data, match, params);
  }
  return fail(501, `Method '${verb} ${path}' not implemented`);
}

// packages/web/dev/mock-server.ts
var types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2"
};
var contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws: wss:";
async function startMockServer(options) {
  const data = makeData(options.guests ?? 1e3);
  const server2 = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://mock");
    if (url.pathname.startsWith("/api2/json")) void serveApi(data, request, response, url);
    else serveFile(options.dist, url.pathname, response);
  });
  await new Promise((resolve) => server2.listen(options.port ?? 0, "127.0.0.1", resolve));
  const address = server2.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    data,
    close: async () => {
      server2.closeAllConnections();
      await new Promise((resolve) => server2.close(resolve));
    }
  };
}
async function serveApi(data, request, response, url) {
  const path = decodeURIComponent(url.pathname.slice("/api2/json".length));
  if (path === "/cluster/events") return serveEvents(data, request, response, url.searchParams.get("task"));
  let body = "";
  if (path.endsWith("/upload")) request.resume();
  else for await (const chunk of request) body += chunk;
  const params = Object.fromEntries([...new URLSearchParams(body), ...url.searchParams]);
  const loggedIn = /PVEAuthCookie=[^;]+/.test(request.headers.cookie ?? "");
  if (!loggedIn && !path.startsWith("/access/ticket") && !path.startsWith("/access/domains")) {
    response.writeHead(401, "No ticket").end();
    return;
  }
  const reply = answer(data, request.method ?? "GET", path, params);
  const status = reply.status ?? 200;
  response.writeHead(status, reply.message ?? "OK", { "content-type": "application/json;charset=UTF-8" });
  const failure = status === 200 ? {} : { message: `${reply.message}
`, ...reply.errors ? { errors: reply.errors } : {} };
  response.end(JSON.stringify({ data: reply.data ?? null, ...failure }));
}
function serveEvents(data, request, response, task2) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (event, value) => response.write(`event: ${event}
data: ${JSON.stringify(value)}

`);
  send("hello", {});
  const stop = data.subscribe((event, value) => {
    if (event !== "log" || value.upid === task2) send(event, value);
  });
  request.on("close", stop);
}
function serveFile(dist, pathname, response) {
  const wanted = join(dist, normalize(pathname));
  const path = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, "index.html");
  response.writeHead(200, {
    "content-type": types[extname(path)] ?? "application/octet-stream",
    "content-security-policy": contentSecurityPolicy
  });
  createReadStream(path).pipe(response);
}

// packages/web/test/browser.ts
import { chromium } from "playwright-core";
var chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
function launchBrowser() {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  });
}

// packages/web/test/pages.ts
var settle = (page) => page.waitForTimeout(500);
var addable = [
  "disk",
  "cdrom",
  "network",
  "efidisk",
  "tpm",
  "cloudinit",
  "usb",
  "pci",
  "serial",
  "audio",
  "rng",
  "watchdog"
];
var onRow = (row) => async (page) => {
  const buttons = page.locator(".ry-hardware-table tbody tr").nth(row).locator(".ry-actions-cell button");
  await buttons.last().click();
  await settle(page);
};
var onDevice = (key, what) => async (page) => {
  const buttons = page.getByRole("row").filter({ hasText: `(${key})` }).locator(".ry-actions-cell button");
  if (what === "edit") await buttons.nth(-2).click();
  else await buttons.last().click();
  if (typeof what === "number") await page.getByRole("menuitem").nth(what).click();
  await settle(page);
};
var pages = [
  { name: "login", path: "/login", loggedOut: true },
  { name: "datacenter-summary", path: "/datacenter/summary" },
  { name: "datacenter-search", path: "/datacenter/search" },
  { name: "datacenter-storage", path: "/datacenter/storage" },
  { name: "datacenter-users", path: "/datacenter/users" },
  { name: "datacenter-tokens", path: "/datacenter/users?part=tokens" },
  { name: "datacenter-permissions", path: "/datacenter/permissions" },
  { name: "datacenter-tasks", path: "/datacenter/tasks" },
  { name: "node-summary", path: "/node/pve1/summary" },
  { name: "node-guests", path: "/node/pve1/guests" },
  { name: "node-network", path: "/node/pve1/network" },
  { name: "node-shell", path: "/node/pve1/shell" },
  { name: "storage-summary", path: "/storage/pve1/local/summary" },
  { name: "storage-iso", path: "/storage/pve1/local/iso" },
  {
    name: "storage-upload",
    path: "/storage/pve1/local/iso",
    act: async (page) => {
      await page.locator(".ry-toolbar-actions button").first().click();
      await settle(page);
    }
  },
  {
    name: "storage-download",
    path: "/storage/pve1/local/iso",
    act: async (page) => {
      await page.locator(".ry-toolbar-actions button").nth(1).click();
      await settle(page);
    }
  },
  { name: "guest-summary", path: "/qemu/100/summary" },
  { name: "guest-console", path: "/qemu/100/console" },
  { name: "guest-serial", path: "/qemu/100/serial" },
  { name: "guest-hardware", path: "/qemu/100/hardware" },
  ...addable.map((device, index) => ({
    name: `guest-hardware-add-${device}`,
    path: "/qemu/101/hardware",
    act: async (page) => {
      await page.locator(".ry-toolbar button").first().click();
      await page.getByRole("menuitem").nth(index).click();
      await settle(page);
    }
  })),
  ...["memory", "processor", "display"].map((device, index) => ({
    name: `guest-hardware-edit-${device}`,
    path: "/qemu/100/hardware",
    act: async (page) => {
      const row = page.locator(".ry-hardware-table tbody tr").nth([0, 1, 3][index] ?? 0);
      await row.locator(".ry-actions-cell button").last().click();
      await settle(page);
    }
  })),
  { name: "guest-hardware-edit-disk", path: "/qemu/100/hardware", act: onDevice("scsi0", "edit") },
  { name: "guest-hardware-edit-cdrom", path: "/qemu/100/hardware", act: onDevice("ide2", "edit") },
  { name: "guest-hardware-menu", path: "/qemu/100/hardware", act: onDevice("scsi0", "menu") },
  ...["grow", "move", "reassign", "remove"].map((name, index) => ({
    name: `guest-hardware-${name}`,
    path: "/qemu/100/hardware",
    act: onDevice("scsi0", index)
  })),
  { name: "guest-options", path: "/qemu/100/options" },
  {
    name: "guest-options-boot",
    path: "/qemu/100/options",
    act: async (page) => {
      await page.getByRole("row").filter({ hasText: "scsi0, ide2" }).getByRole("button").first().click();
      await settle(page);
    }
  },
  {
    name: "guest-remove",
    path: "/qemu/105/summary",
    act: async (page) => {
      await page.locator(".ry-page-actions button").last().click();
      await page.getByRole("menuitem").last().click();
      await settle(page);
    }
  },
  {
    name: "guest-power-menu",
    path: "/qemu/100/summary",
    act: async (page) => {
      await page.locator(".ry-page-actions .pf-v6-c-menu-toggle__button").first().click();
      await settle(page);
    }
  },
  { name: "guest-snapshots", path: "/qemu/100/snapshots" },
  {
    name: "guest-snapshot-take",
    path: "/qemu/100/snapshots",
    act: async (page) => {
      await page.locator(".ry-toolbar button").first().click();
      await settle(page);
    }
  },
  {
    name: "guest-snapshot-rollback",
    path: "/qemu/100/snapshots",
    act: async (page) => {
      await page.locator(".ry-snapshots .ry-actions-cell button").first().click();
      await settle(page);
    }
  },
  { name: "guest-cloudinit", path: "/qemu/100/cloudinit" },
  ...[
    ["password", 1],
    ["keys", 2],
    ["addresses", 3],
    ["files", 9]
  ].map(([name, row]) => ({
    name: `guest-cloudinit-${name}`,
    path: "/qemu/100/cloudinit",
    act: onRow(Number(row))
  })),
  {
    name: "guest-cloudinit-snippet",
    path: "/qemu/100/cloudinit",
    act: async (page) => {
      await onRow(9)(page);
      await page.locator(".ry-select-field button").first().click();
      await settle(page);
    }
  },
  { name: "guest-agent", path: "/qemu/100/agent" },
  {
    name: "guest-agent-password",
    path: "/qemu/100/agent",
    act: async (page) => {
      await page.locator(".ry-panel-actions button").last().click();
      await settle(page);
    }
  },
  { name: "guest-agent-absent", path: "/qemu/101/agent" },
  {
    name: "guest-hibernate",
    path: "/qemu/100/summary",
    act: async (page) => {
      await page.locator(".ry-page-actions .pf-v6-c-menu-toggle__button").first().click();
      await page.getByRole("menuitem").nth(3).click();
      await settle(page);
    }
  },
  {
    name: "guest-template",
    path: "/qemu/105/summary",
    act: async (page) => {
      await page.locator(".ry-page-actions button").last().click();
      await page.getByRole("menuitem").nth(2).click();
      await settle(page);
    }
  },
  {
    name: "guest-clone",
    path: "/qemu/100/summary",
    act: async (page) => {
      await page.locator(".ry-page-actions button").last().click();
      await page.getByRole("menuitem").nth(1).click();
      await settle(page);
    }
  },
  { name: "guest-tasks", path: "/qemu/100/tasks" },
  { name: "guest-gone", path: "/qemu/99999/summary" },
  ...["general", "os", "system", "disks", "cpu", "memory", "network", "confirm"].map((step, index) => ({
    name: `wizard-${index}-${step}`,
    path: "/create/qemu?node=pve1",
    act: async (page) => {
      for (let i = 0; i < index; i++) {
        if (i === 1) await page.selectOption("#iso", { index: 1 });
        await page.locator(".ry-wizard-buttons button").nth(1).click();
        await page.waitForTimeout(200);
      }
      await settle(page);
    }
  })),
  {
    name: "palette",
    path: "/datacenter/summary",
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.locator("#palette-input").fill("web");
      await settle(page);
    }
  },
  {
    name: "task-viewer",
    path: "/datacenter/tasks",
    act: async (page) => {
      await page.locator(".ry-table .ry-link").nth(3).click();
      await settle(page);
    }
  },
  {
    name: "task-drawer",
    path: "/node/pve1/summary",
    act: async (page) => {
      await page.locator(".ry-drawer-bar").click();
      await settle(page);
      await page.waitForTimeout(300);
    }
  },
  {
    name: "tree-narrow",
    path: "/datacenter/summary",
    act: async (page, narrow) => {
      if (narrow) await page.locator(".ry-masthead button").first().click();
      await settle(page);
    }
  }
];

// packages/web/test/shots.ts
var out = process.argv[2] ?? "/tmp/ryokan-shots";
var filter = new RegExp(process.argv[3] === "--quick" ? "" : process.argv[3] ?? "");
var quick = process.argv.includes("--quick");
mkdirSync(out, { recursive: true });
var axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
var server = await startMockServer({ guests: 1e3, dist: process.env.DIST ?? "packages/web/dist" });
var browser = await launchBrowser();
var findings = [];
async function check(page, name) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(async () => {
    const axe = window.axe;
    return (await axe.run({ resultTypes: ["violations"] })).violations;
  });
  for (const one of result) {
    if (one.impact !== "serious" && one.impact !== "critical") continue;
    findings.push(
      `${name}: ${one.impact} ${one.id}: ${one.nodes.slice(0, 3).map((node2) => `${node2.target.join(" ")} | ${node2.failureSummary.split("\n").slice(1, 2).join("")}`).join(" || ")}`
    );
  }
}
var variants = quick ? [["en", "light", "wide"]] : [
  ["en", "light", "wide"],
  ["ja", "dark", "wide"],
  ["ja", "light", "narrow"],
  ["en", "dark", "narrow"]
];
async function shoot([language, theme, width]) {
  const context = await browser.newContext({
    viewport: width === "wide" ? { width: 1440, height: 900 } : { width: 390, height: 844 },
    locale: language === "ja" ? "ja-JP" : "en-US"
  });
  await context.addInitScript(
    ({ language: language2, theme: theme2 }) => {
      if (!localStorage.getItem("ryokan.preferences"))
        localStorage.setItem("ryokan.preferences", JSON.stringify({ language: language2, theme: theme2 }));
    },
    { language, theme }
  );
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" && !/401|net::ERR/.test(message.text()))
      findings.push(`${language}: console: ${message.text().slice(0, 300)}`);
  });
  page.on("pageerror", (error) => findings.push(`${language}: page error: ${error.message}`));
  for (const one of pages) {
    if (!filter.test(one.name)) continue;
    if (!one.loggedOut && !await page.evaluate(() => document.cookie.includes("PVEAuth")).catch(() => false)) {
      await page.goto(`${server.url}/login`);
      await page.fill("#user", "root");
      await page.fill("#password", "x");
      await page.click("button[type=submit]");
      await page.waitForURL("**/datacenter/**");
    }
    const name = `${one.name}.${language}.${theme}.${width}`;
    try {
      await page.goto(`${server.url}${one.path}`);
      await page.waitForSelector("h1", { timeout: 1e4 });
      await page.waitForFunction(() => !document.querySelector(".ry-loading, .ry-plots-space"), void 0, {
        timeout: 5e3
      });
      await page.waitForTimeout(200);
      await one.act?.(page, width === "narrow");
      await page.screenshot({ path: join2(out, `${name}.png`) });
      await check(page, name);
    } catch (error) {
      findings.push(`${name}: ${String(error).slice(0, 400)}`);
      await page.screenshot({ path: join2(out, `${name}.failed.png`) });
    }
  }
  await context.close();
}
await Promise.all(variants.map(shoot));
writeFileSync(join2(out, "findings.txt"), findings.join("\n"));
console.log(findings.join("\n") || "no findings");
await browser.close();
await server.close();
