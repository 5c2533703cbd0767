import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unitText } from './service.ts';

test('the unit runs the command with every word quoted', () => {
  const template = readFileSync(new URL('../../packaging/ryokan.service', import.meta.url), 'utf8');
  const unit = unitText(template, ['/opt/my ryokan/ryokan', 'up', '--data', '/srv/50%/a$b"c']);
  expect(unit).toContain('ExecStart="/opt/my ryokan/ryokan" "up" "--data" "/srv/50%%/a$$b\\"c"\n');
  expect(unit).not.toContain('@COMMAND@');
  // Guests must outlive the service.
  expect(unit).toContain('KillMode=process');
});
