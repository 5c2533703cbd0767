/** Snapshots, clones and templates of the mock server. */
import type { MockData, MockGuest } from './mock-data.ts';
import { fail, type Handler, ok, type Route, resourceOf } from './mock-reply.ts';

interface MockSnapshot {
  readonly name: string;
  description: string;
  parent?: string | undefined;
  readonly snaptime: number;
  readonly vmstate: 0 | 1;
}

interface State {
  snapshots: MockSnapshot[];
  /** The snapshot that the present state stands on. */
  parent: string | undefined;
}

const states = new WeakMap<MockGuest, State>();
const day = 86_400;

function stateOf(guest: MockGuest): State {
  let state = states.get(guest);
  if (!state) {
    const now = Math.floor(Date.now() / 1000);
    const made = (
      name: string,
      parent: string | undefined,
      age: number,
      description: string,
      vmstate: 0 | 1,
    ) => ({ name, parent, snaptime: now - age, description, vmstate }) satisfies MockSnapshot;
    state =
      guest.vmid === 100
        ? {
            parent: 'before-upgrade',
            snapshots: [
              made('fresh', undefined, 90 * day, 'Debian 13, nothing installed yet', 0),
              made('web-installed', 'fresh', 60 * day, 'nginx 1.26\n設定は未変更', 0),
              made('try-caddy', 'web-installed', 30 * day, 'Trial of another web server', 1),
              made('try-caddy-2', 'try-caddy', 29 * day, '', 0),
              made('before-upgrade', 'web-installed', 3_700, 'Shop 4.1, before the upgrade to 4.2', 1),
            ],
          }
        : { parent: undefined, snapshots: [] };
    states.set(guest, state);
  }
  return state;
}

const guestOf = (data: MockData, match: RegExpExecArray) => data.guests.get(Number(match[2]));
const changed = (data: MockData, guest: MockGuest) =>
  data.emit('config', { path: `nodes/${guest.node}/qemu-server/${guest.vmid}.conf` });

/** A task about a guest, whose end is told as a change of its configuration. */
function task(
  type: string,
  ms: number,
  done: (
    guest: MockGuest,
    match: RegExpExecArray,
    params: Readonly<Record<string, string>>,
    data: MockData,
  ) => void,
): Handler {
  return (data, match, params) => {
    const guest = guestOf(data, match);
    if (!guest) return fail(500, 'no such VM');
    return ok(
      data.startTask(guest.node, type, String(guest.vmid), ms, () => {
        done(guest, match, params, data);
        changed(data, guest);
      }),
    );
  };
}

const base = '/nodes/([^/]+)/qemu/(\\d+)';

export const snapshotRoutes: readonly Route[] = [
  [
    `GET ${base}/snapshot`,
    (data, match) => {
      const guest = guestOf(data, match);
      if (!guest) return fail(500, 'no such VM');
      const { snapshots, parent } = stateOf(guest);
      return ok([...snapshots, { name: 'current', description: 'You are here!', parent, running: 1 }]);
    },
  ],
  [
    `POST ${base}/snapshot`,
    task('qmsnapshot', 2_500, (guest, _, params) => {
      const state = stateOf(guest);
      state.snapshots.push({
        name: params.snapname as string,
        description: params.description ?? '',
        parent: state.parent,
        snaptime: Math.floor(Date.now() / 1000),
        vmstate: params.vmstate === '1' ? 1 : 0,
      });
      state.parent = params.snapname;
    }),
  ],
  [
    `DELETE ${base}/snapshot/([^/]+)`,
    task('qmdelsnapshot', 900, (guest, match) => {
      const state = stateOf(guest);
      const gone = state.snapshots.find((one) => one.name === match[3]);
      state.snapshots = state.snapshots.filter((one) => one !== gone);
      for (const one of state.snapshots) if (one.parent === gone?.name) one.parent = gone?.parent;
      if (state.parent === gone?.name) state.parent = gone?.parent;
    }),
  ],
  [
    `POST ${base}/snapshot/([^/]+)/rollback`,
    task('qmrollback', 1_500, (guest, match) => {
      stateOf(guest).parent = match[3];
    }),
  ],
  [
    `PUT ${base}/snapshot/([^/]+)/config`,
    (data, match, { description = '' }) => {
      const guest = guestOf(data, match);
      const snapshot = guest && stateOf(guest).snapshots.find((one) => one.name === match[3]);
      if (!guest || !snapshot) return fail(500, `snapshot '${match[3]}' does not exist`);
      snapshot.description = description;
      changed(data, guest);
      return ok();
    },
  ],
  [
    `POST ${base}/clone`,
    task('qmclone', 1_200, (guest, _, params, data) => {
      const vmid = Number(params.newid);
      const name = params.name ?? `Copy-of-VM-${guest.name}`;
      const { template: _template, ...rest } = guest;
      const clone: MockGuest = {
        ...rest,
        vmid,
        name,
        status: 'stopped',
        config: { ...guest.config, name },
        pending: {},
      };
      data.guests.set(vmid, clone);
      data.emit('resource', resourceOf(clone));
    }),
  ],
  [
    `POST ${base}/template`,
    task('qmtemplate', 900, (guest, _, __, data) => {
      Object.assign(guest, { template: 1 });
      data.emit('resource', resourceOf(guest));
    }),
  ],
];
