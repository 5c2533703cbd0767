/** `qm monitor`: QEMU's human monitor, line by line. */
import { errorText, exitCode } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';

export const monitorCommand: LocalCommand = {
  spec: {
    words: 'qm monitor',
    args: ['vmid'],
    params: { vmid: { type: 'integer', format: 'pve-vmid' } },
    required: ['vmid'],
    implied: [],
  },
  description: "Commands for QEMU's human monitor, from the keyboard or from stdin; 'quit' or Ctrl-D leaves.",
  paramHelp: { vmid: { description: 'The unique ID of the guest.' } },
  run: async (session, parsed) => {
    // Loaded here: other commands start sooner without it.
    const { createInterface } = await import('node:readline/promises');
    const { system } = session;
    const vmid = encodeURIComponent(single(parsed, 'vmid') ?? '');
    const path = `/nodes/${encodeURIComponent(session.localNode)}/qemu/${vmid}/monitor`;
    const isTerminal = process.stdin.isTTY === true;
    const lines = createInterface({
      input: process.stdin,
      ...(isTerminal ? { output: process.stdout } : {}),
    });
    let code: number = exitCode.ok;
    const prompt = () => {
      if (isTerminal) lines.prompt();
    };
    lines.setPrompt('qm> ');
    lines.on('SIGINT', () => lines.close());
    prompt();
    for await (const line of lines) {
      const command = line.trim();
      // QEMU's own `quit` would end the guest: here it leaves, as people know it.
      if (command === 'quit' || command === 'q') break;
      if (command !== '') {
        try {
          const { data } = await session.api.call('POST', path, { command });
          const text = String(data ?? '').replaceAll('\r', '');
          if (text !== '') system.out(text.endsWith('\n') ? text : `${text}\n`);
        } catch (error) {
          system.err(errorText(error));
          code = exitCode.refused;
        }
      }
      prompt();
    }
    lines.close();
    return code;
  },
};
