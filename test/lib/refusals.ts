/** What tests of bad input ask again and again: how was it refused, and what is left behind. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiSession, Verb } from './api-session.ts';
import { jsonOf, type Parameters } from './http-client.ts';
import type { TestNode } from './node.ts';
import { waitFor } from './wait.ts';

export interface Refusal {
  readonly status: number;
  /** First line of the message. */
  readonly message: string;
  readonly errors: Readonly<Record<string, string>>;
}

/** Calls and expects an error status; checks what every refusal must hold: null data, a reason that is the message. */
export async function refused(
  session: ApiSession,
  verb: Verb,
  path: string,
  parameters?: Parameters,
): Promise<Refusal> {
  const answer = await session.answer(verb, path, parameters);
  expect(answer.status, `${verb} ${path} was accepted: ${answer.body.toString()}`).toBeGreaterThanOrEqual(
    400,
  );
  const { data, message = '', errors = {} } = jsonOf<null>(answer);
  expect(data).toBeNull();
  const firstLine = message.split('\n')[0] ?? '';
  if (/^[\x20-\x7e]{1,200}$/.test(firstLine)) expect(answer.reason).toBe(firstLine);
  return { status: answer.status, message: firstLine, errors };
}

/**
 * The text that says why something did not happen, whether the call refused it or its task failed: both are right, and
 * clients handle both.
 */
export async function failureText(
  session: ApiSession,
  verb: Verb,
  path: string,
  parameters?: Parameters,
): Promise<string> {
  const answer = await session.answer(verb, path, parameters);
  const { data, message = '', errors = {} } = jsonOf<string | null>(answer);
  if (answer.status !== 200) return describeErrors(message, errors);
  const { exitstatus } = await session.taskEnd(data ?? '');
  expect(exitstatus, `${verb} ${path} was done`).not.toBe('OK');
  return exitstatus;
}

/** Message and the texts of the single parameters, a line each. */
export function describeErrors(message: string, errors: Readonly<Record<string, string>>): string {
  return [message.trim(), ...Object.entries(errors).map(([name, text]) => `${name}: ${text}`)].join('\n');
}

/** Everything below the node's storage `local` and its spool, as sorted paths. Folders count too. */
export async function storedFiles(node: TestNode): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['storage', 'spool']) {
    for (const path of await readdir(join(node.dataDir, folder), { recursive: true })) {
      found.push(`${folder}/${path}`);
    }
  }
  return found.sort();
}

/** Waits until the stored files are these again; what is being cleared away needs a moment. */
export async function nothingLeft(node: TestNode, before: readonly string[]): Promise<void> {
  const expected = before.join('\n');
  let now = '';
  await waitFor(
    async () => {
      now = (await storedFiles(node)).join('\n');
      return now === expected;
    },
    { timeout: 10, what: () => `the state before. There is:\n${now}\ninstead of:\n${expected}` },
  );
}
