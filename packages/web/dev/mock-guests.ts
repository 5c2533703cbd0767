/** Guests of the mock server: configuration, state, power. */
import type { MockData, MockGuest } from './mock-data.ts';
import { fail, GiB, type Handler, ok, type Params, type Route, resourceOf, rrd, wave } from './mock-reply.ts';

const guest = (data: MockData, match: RegExpExecArray) => data.guests.get(Number(match[2]));

function power(type: string, status: string | undefined): Handler {
  return (data, match) => {
    const one = guest(data, match);
    if (!one)
      return fail(500, `Configuration file 'nodes/${match[1]}/qemu-server/${match[2]}.conf' does not exist`);
    return ok(
      data.startTask(one.node, type, String(one.vmid), 900, () => {
        if (status) one.status = status;
        data.emit('resource', resourceOf(one));
      }),
    );
  };
}

function setConfig(data: MockData, match: RegExpExecArray, params: Params): MockGuest | undefined {
  const one = guest(data, match);
  if (!one) return undefined;
  for (const [key, value] of Object.entries(params)) {
    if (key === 'digest' || key === 'background_delay') continue;
    if (key === 'revert') for (const name of value.split(',')) delete one.pending[name];
    else if (key === 'delete') {
      for (const name of value.split(',')) {
        if (one.status === 'running') one.pending[name] = null;
        else delete one.config[name];
      }
    } else if (
      one.status === 'running' &&
      !['description', 'name', 'tags', 'onboot', 'protection'].includes(key)
    ) {
      one.pending[key] = value;
    } else one.config[key] = value;
  }
  data.emit('config', { path: `nodes/${one.node}/qemu-server/${one.vmid}.conf` });
  return one;
}

function pendingRows(one: MockGuest): unknown[] {
  const keys = new Set([...Object.keys(one.config), ...Object.keys(one.pending)]);
  keys.delete('digest');
  return [...keys].map((key) => {
    const change = one.pending[key];
    return {
      key,
      ...(one.config[key] === undefined ? {} : { value: String(one.config[key]) }),
      ...(change === undefined ? {} : change === null ? { delete: 1 } : { pending: change }),
    };
  });
}

export const guestRoutes: readonly Route[] = [
  [
    'POST /nodes/([^/]+)/qemu',
    (data, [, node], params) => {
      const vmid = Number(params.vmid);
      if (data.guests.has(vmid)) return fail(500, `unable to create VM ${vmid}: config file already exists`);
      return ok(
        data.startTask(node as string, 'qmcreate', String(vmid), 1500, () => {
          const { vmid: _, start, ...config } = params;
          const one: MockGuest = {
            vmid,
            node: node as string,
            name: config.name ?? `VM${vmid}`,
            status: start === '1' ? 'running' : 'stopped',
            tags: '',
            config: { ...config, digest: '0' },
            pending: {},
          };
          data.guests.set(vmid, one);
          data.emit('resource', resourceOf(one));
        }),
      );
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/status/current',
    (data, match) => {
      const one = guest(data, match);
      if (!one) return fail(500, 'no such VM');
      const row = resourceOf(one);
      const running = one.status !== 'stopped';
      return ok({
        ...row,
        status: running ? 'running' : 'stopped',
        qmpstatus: one.status,
        cpus: 2,
        ha: { managed: 0 },
        ...(running
          ? { pid: 4242, 'running-machine': 'pc-q35-10.0+pve1', 'running-qemu': '10.0.3', agent: 1 }
          : {}),
      });
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match) => {
      const one = guest(data, match);
      if (!one) return fail(500, 'no such VM');
      const next = { ...one.config };
      for (const [key, value] of Object.entries(one.pending)) {
        if (value === null) delete next[key];
        else next[key] = value;
      }
      return ok(next);
    },
  ],
  [
    'PUT /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match, params) =>
      params.scsi1 === 'bad'
        ? fail(400, 'Parameter verification failed.', { scsi1: 'bad' })
        : ok(setConfig(data, match, params) && null),
  ],
  [
    'POST /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match, params) =>
      ok(
        data.startTask(
          match[1] as string,
          'qmconfig',
          match[2] as string,
          700,
          () => void setConfig(data, match, params),
        ),
      ),
  ],
  [
    'PUT /nodes/([^/]+)/qemu/(\\d+)/(?:resize|unlink)',
    (data, match) => ok(data.startTask(match[1] as string, 'resize', match[2] as string, 700)),
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/pending',
    (data, match) => {
      const one = guest(data, match);
      return one ? ok(pendingRows(one)) : fail(500, 'no such VM');
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/rrddata',
    () =>
      ok(
        rrd({
          cpu: wave(0.3, 0.2, 7),
          mem: wave(2.4 * GiB, 0.3 * GiB, 15),
          maxmem: () => 4 * GiB,
          netin: wave(1e6, 9e5, 4),
          netout: wave(4e5, 3e5, 6),
          diskread: wave(5e5, 5e5, 3),
          diskwrite: wave(2e6, 1e6, 5),
        }),
      ),
  ],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/start', power('qmstart', 'running')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/shutdown', power('qmshutdown', 'stopped')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/stop', power('qmstop', 'stopped')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/reboot', power('qmreboot', 'running')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/reset', power('qmreset', undefined)],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/suspend', power('qmsuspend', 'paused')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/resume', power('qmresume', 'running')],
  [
    'DELETE /nodes/([^/]+)/qemu/(\\d+)',
    (data, match) =>
      ok(
        data.startTask(match[1] as string, 'qmdestroy', match[2] as string, 800, () => {
          data.guests.delete(Number(match[2]));
          data.emit('resource', { id: `qemu/${match[2]}`, removed: 1 });
        }),
      ),
  ],
];
