/** The WebSocket address of a console, from what `vncproxy` or `termproxy` answered. */
import { fillPath, type Params } from '@ryokan/api/client.ts';

export function consoleUrl(
  path: string,
  target: Params,
  access: { port: number | string; ticket: string },
): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const { path: filled } = fillPath(path, target);
  return `${scheme}://${location.host}/api2/json${filled}?port=${access.port}&vncticket=${encodeURIComponent(access.ticket)}`;
}
