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

test('guests are shut down before the node, and only with the machine', () => {
  const template = readFileSync(new URL('../../packaging/ryokan-guests.service', import.meta.url), 'utf8');
  const unit = unitText(template, ['/opt/ryokan/ryokan', 'pvenode', 'stopall']);
  expect(unit).toContain('ExecStop="/opt/ryokan/ryokan" "pvenode" "stopall"\n');
  expect(unit).toMatch(/^After=.*ryokan\.service/m);
  // A restart of the node must not stop this one.
  expect(unit).not.toMatch(/^(Requires|BindsTo|PartOf)=/m);
});
