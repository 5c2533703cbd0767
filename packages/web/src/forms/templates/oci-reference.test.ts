import { expect, it } from 'vitest';
import { archiveName, orderedTags, parseReference } from './oci-reference.ts';

it('takes references as people paste them', () => {
  expect(parseReference('docker pull registry.example.com:5000/team/app:1.0')).toEqual({
    repository: 'registry.example.com:5000/team/app',
    tag: '1.0',
  });
  expect(parseReference(' https://registry.example.com/team/app/ ')).toEqual({
    repository: 'registry.example.com/team/app',
    tag: '',
  });
  // A port is no tag.
  expect(parseReference('localhost:5000/app').tag).toBe('');
  expect(parseReference(`app:1@sha256:${'0'.repeat(64)}`)).toEqual({ repository: 'app', tag: '1' });
});

it('keeps an image under its name and tag', () => {
  expect(archiveName({ repository: 'registry.example.com/team/app', tag: '1.0' })).toBe('app_1.0.tar');
});

it('puts the newest tags first', () => {
  expect(orderedTags(['1.9', '1.10', 'latest', '1.2'])).toEqual(['latest', '1.10', '1.9', '1.2']);
});
