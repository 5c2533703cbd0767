/** Passwords from the keyboard: nothing is shown while they are typed. */
import { LocalError } from './errors.ts';

/** One line: typed without echo on a terminal, else the first line of stdin. */
export function askSecret(prompt: string): Promise<string> {
  return process.stdin.isTTY ? askOnTerminal(prompt) : firstLine();
}

async function firstLine(): Promise<string> {
  const { createInterface } = await import('node:readline');
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: process.stdin });
    let line: string | undefined;
    lines.once('line', (text) => {
      line = text;
      lines.close();
    });
    lines.once('close', () => {
      process.stdin.pause();
      if (line === undefined) reject(new LocalError('A password is needed, and stdin is empty.'));
      else resolve(line);
    });
  });
}

const enter = new Set(['\r', '\n', '\x04']);

function askOnTerminal(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  const restore = () => stdin.setRawMode(false);
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (error?: Error) => {
      stdin.off('data', onData);
      stdin.pause();
      restore();
      process.off('exit', restore);
      stderr.write('\n');
      if (error) reject(error);
      else resolve(typed);
    };
    const onData = (text: string) => {
      for (const char of text) {
        if (char === '\x03') return finish(new LocalError('Interrupted.'));
        if (enter.has(char)) return finish();
        if (char === '\x7f' || char === '\b') typed = [...typed].slice(0, -1).join('');
        else typed += char;
      }
    };
    process.on('exit', restore);
    stderr.write(prompt);
    stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    stdin.on('data', onData);
    stdin.resume();
  });
}
