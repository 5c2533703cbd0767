/** `pveam` against an HTTP server on a real Unix socket. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeDaemon } from './fake-daemon.ts';
import { runTest } from './test-support.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = new FakeDaemon();
  await daemon.open();
});
afterEach(() => daemon.close());

const run = (words: string) => runTest(words.split(' '), { socket: daemon.socket });

it('lists what the catalogue offers, by section', async () => {
  const offer = (section: string, template: string) => ({ section, template });
  const data = [offer('system', 'b.tar.zst'), offer('mail', 'm.tar.zst'), offer('system', 'a.tar.zst')];
  daemon.handle = () => ({ body: { data } });
  expect((await run('pveam available --noheader')).out.trimEnd().split(/ *\n/)).toEqual([
    'mail    m.tar.zst',
    'system  a.tar.zst',
    'system  b.tar.zst',
  ]);
  const system = await run('pveam available --section system --output-format json');
  expect(JSON.parse(system.out)).toEqual([offer('system', 'a.tar.zst'), offer('system', 'b.tar.zst')]);
  expect(daemon.received.at(-1)?.path).toBe('/nodes/pve1/aplinfo');
});

it('lists the templates of a storage', async () => {
  daemon.handle = () => ({ body: { data: [{ volid: 'local:vztmpl/a.tar.zst', size: 130_023_424 }] } });
  expect((await run('pveam list local')).out).toMatch(
    /^NAME +SIZE *\nlocal:vztmpl\/a\.tar\.zst +124\.00MB *\n$/,
  );
  expect(daemon.received[0]?.params.get('content')).toBe('vztmpl');
});

it('removes templates and nothing else', async () => {
  daemon.handle = () => ({ body: { data: null } });
  expect((await run('pveam remove local:vztmpl/a.tar.zst')).code).toBe(0);
  const [asked] = daemon.received;
  expect(`${asked?.verb} ${decodeURIComponent(asked?.path ?? '')}`).toBe(
    'DELETE /nodes/pve1/storage/local/content/local:vztmpl/a.tar.zst',
  );
  expect((await run('pveam remove local:iso/a.iso')).code).toBe(2);
  expect(daemon.received).toHaveLength(1);
});

it('has templates built, in the storage local unless another is named', async () => {
  daemon.handle = () => ({ status: 400, body: { data: null, message: 'no' } });
  await run('template build debian --suite trixie --mirror http://mirror.example/debian');
  await run('template build ubuntu --storage nas');
  expect(daemon.received.map(({ verb, path, params }) => [verb, path, Object.fromEntries(params)])).toEqual([
    [
      ...['POST', '/nodes/pve1/storage/local/build-template'],
      { distribution: 'debian', suite: 'trixie', mirror: 'http://mirror.example/debian' },
    ],
    ['POST', '/nodes/pve1/storage/nas/build-template', { distribution: 'ubuntu' }],
  ]);
});
