import { describe, expect, it } from 'vitest';
import { runTest } from './test-support.ts';

describe('help', () => {
  it('shows a command with its parameters', async () => {
    const { code, out } = await runTest(['qm', 'help', 'create'], { columns: 60 });
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "USAGE: qm create <vmid> [OPTIONS]

        Creates a virtual machine.

        <vmid> <integer> (100 - 999999999)
              The unique ID of the guest.

        --cipassword <string>

        --memory <integer> (16 - N)
              Memory in MiB.
              Default: 512

        --net[n] <string>
              A network device.
              [model=]<virtio|e1000> [,bridge=<bridge-id>]
              [,firewall=<1|0>]
              n: 0 to 3, as in --net0

        --node <node>
              The cluster node name.
              Default: this node

        --onboot <boolean>
              Start it with the node.
              Default: 0

        --sshkeys <urlencoded>

        --tags <tag-list>

        Options of every command: 'qm help options'.
      "
    `);
  });

  it('is the same by --help, whatever else stands there', async () => {
    const help = await runTest(['qm', 'help', 'start']);
    expect(await runTest(['qm', 'start', '--help'])).toEqual(help);
    expect(await runTest(['qm', 'start', '100', '-h'])).toEqual(help);
    expect(await runTest(['ryokan', 'help', 'qm', 'start'])).toEqual(help);
    expect(await runTest(['ryokan', 'qm', 'help', 'boot'])).toEqual(help);
  });

  it('lists the commands of a group; to stderr when a word was missing', async () => {
    const asked = await runTest(['qm', 'help']);
    expect(asked.code).toBe(0);
    expect(asked.out).toContain('  qm disk resize <vmid> <disk> <size> [OPTIONS]\n        Grows a disk.\n');
    expect(asked.out).toContain('  qm terminal <vmid> [OPTIONS]\n');
    const missing = await runTest(['qm']);
    expect(missing).toEqual({ code: 2, out: '', err: asked.out });
  });

  it('shows the usage of a path', async () => {
    const { out } = await runTest(['pvesh', 'usage', '/nodes/x/qemu']);
    expect(out).toMatchInlineSnapshot(`
      "USAGE: pvesh get /nodes/x/qemu [OPTIONS]
      USAGE: pvesh create /nodes/x/qemu --vmid <integer> [OPTIONS]
      "
    `);
    const verbose = await runTest(['pvesh', 'usage', '/nodes/x/qemu/100/config', '-v']);
    expect(verbose.out).toContain('  --delete <configid-list>');
    expect(verbose.out).toContain('Also: qm set');
    expect(verbose.out).not.toContain('--node');
  });

  it('tells the exit codes', async () => {
    const { out } = await runTest(['qm', 'help', 'options']);
    expect(out).toContain('--output-format <text|json|json-pretty|yaml>');
    expect(out).toContain('255 refused by the API');
  });
});

describe('wrong words', () => {
  it('suggests near commands', async () => {
    const { code, err } = await runTest(['qm', 'strat', '100']);
    expect(code).toBe(2);
    expect(err).toBe("unknown command 'qm strat'; did you mean 'qm start'?\n");
  });

  it('lists what can follow', async () => {
    const { err } = await runTest(['qm', 'disk']);
    expect(err).toBe("'qm disk' needs one more word:\n  qm disk import\n  qm disk resize\n");
  });

  it('shows the synopsis of a command used wrongly', async () => {
    const { code, err } = await runTest(['qm', 'disk', 'resize', '100']);
    expect(code).toBe(2);
    expect(err).toBe(
      "missing: <disk> <size>\nUSAGE: qm disk resize <vmid> <disk> <size> [OPTIONS]\n       'qm help disk resize' shows what it takes.\n",
    );
  });

  it('knows which verbs a path has', async () => {
    expect((await runTest(['pvesh', 'set', '/nodes'])).err).toBe("no 'set' on '/nodes'; there is: get\n");
    expect((await runTest(['pvesh', 'get', '/node'])).err).toContain(
      "there is no path '/node' in the API. Near it: /nodes",
    );
    expect((await runTest(['pvesh', 'gett', '/nodes'])).err).toContain("did you mean 'get'?");
  });

  it('says how to reach a node that does not run', async () => {
    const { code, err } = await runTest(['qm', 'list']);
    expect(code).toBe(1);
    expect(err).toContain('The node is not running: nothing answers at /nonexistent/daemon.sock.');
    const noData = await runTest(['qm', 'list', '--data', '/elsewhere']);
    expect(noData.err).toContain('There is no node in /elsewhere');
  });
});
