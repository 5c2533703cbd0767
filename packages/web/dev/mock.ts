/** Runs the mock server: `node mock.js [port] [guests]`; DIST names the built pages. */
import { startMockServer } from './mock-server.ts';

const [, , port = '18006', guests = '1000'] = process.argv;
const server = await startMockServer({
  port: Number(port),
  guests: Number(guests),
  dist: process.env.DIST ?? 'packages/web/dist',
});
console.log(server.url);
