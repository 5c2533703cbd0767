import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qemuStart } from '@ryokan/api/methods/qemu.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeDb } from './node-db.ts';
import { TaskManager } from './task-manager.ts';
import { UndoTable } from './undo.ts';

let folder: string;
let db: NodeDb;
let undone: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'task-manager-'));
  db = new NodeDb(join(folder, 'node.db'));
  undone = [];
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openManager(): Promise<TaskManager> {
  const undos = new UndoTable();
  undos.on('test', async (args) => void undone.push(String(args.what)));
  const manager = new TaskManager({
    node: 'n',
    db,
    logFolder: join(folder, 'tasks'),
    socket: join(folder, 'worker.sock'),
    workerCommand: ['/bin/false'],
    patience: 200,
    undos,
    log: pino({ level: 'silent' }),
    onTask: () => {},
    onLog: () => {},
  });
  await manager.open();
  return manager;
}

test('a task that gets no worker takes back its preparation, newest first, and leaves no row', async () => {
  const manager = await openManager();
  const undo = ['claim', 'file'].map((what) => ({ name: 'test', args: { what } }));
  const params = { node: 'n', vmid: 100 };
  await expect(manager.start(qemuStart, params, 'root@pam', undo)).rejects.toThrow('got no worker upid');
  expect(undone).toEqual(['file', 'claim']);
  expect(manager.list({ source: 'all' }).total).toBe(0);
  manager.close();
});

test('stopping a task of the daemon ends that task, calls its owner, and signals no process', async () => {
  const manager = await openManager();
  let stopped = 0;
  const task = manager.inline('vncproxy', '100', 'root@pam', () => stopped++);
  await manager.stop(task.upid);
  expect(stopped).toBe(1);
  expect(manager.get(task.upid)).toMatchObject({ status: 'interrupted by signal' });
  task.end('OK');
  expect(manager.get(task.upid)).toMatchObject({ status: 'interrupted by signal' });
  manager.close();
});

test('tasks of a daemon that is gone have ended; its process group is left alone', async () => {
  const first = await openManager();
  const task = first.inline('vncproxy', '100', 'root@pam', () => {});
  // No close: the daemon was killed. This process stands for the group that must live on.
  const second = await openManager();
  expect(second.get(task.upid)).toMatchObject({ status: 'the node was stopped' });
  second.close();
});
