/** The moment at which a guest can be controlled: measured by a client of its QMP socket. */
import { type FSWatcher, watch } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, dirname } from 'node:path';

/** Milliseconds between attempts while the socket exists and does not answer. */
const retry = 1;

/**
 * Starts to watch for the socket `path` and resolves with the time (performance.now) at which QEMU has answered its
 * first command. A QMP socket serves one client at a time: when the product is connected, this is after its own
 * commands. Rejects after `timeout` ms.
 */
export function whenQmpAnswers(path: string, timeout: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let attempting = false;
    let watcher: FSWatcher | undefined;
    const finish = () => {
      clearTimeout(timer);
      watcher?.close();
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`no answer on ${path} in ${timeout} ms`));
    }, timeout);
    const attempt = () => {
      if (attempting) return;
      attempting = true;
      firstAnswer(path).then(
        (time) => {
          finish();
          resolve(time);
        },
        (error: NodeJS.ErrnoException) => {
          attempting = false;
          // Bound, but not listening yet. While it is missing, the watcher tells.
          if (error.code !== 'ENOENT') setTimeout(attempt, retry);
        },
      );
    };
    watcher = watch(dirname(path), (_event, name) => name === basename(path) && attempt());
    attempt();
  });
}

function firstAnswer(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      const greeted = text.includes('\n');
      text += part;
      if (!greeted && text.includes('\n')) socket.write('{"execute":"qmp_capabilities"}\n');
      if (!text.includes('"return"')) return;
      resolve(performance.now());
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('QEMU closed the connection')));
  });
}
