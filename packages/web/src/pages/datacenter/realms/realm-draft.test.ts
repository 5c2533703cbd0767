import { describe, expect, it } from 'vitest';
import { createParams, draftOf, fieldGroups, isComplete, newDraft, updateParams } from './realm-draft.ts';

describe('the draft of a realm', () => {
  it('begins with a protected connection', () => {
    expect(newDraft('ldap').values).toMatchObject({ mode: 'ldaps', verify: true });
  });

  it('is complete with name and required fields', () => {
    const draft = { ...newDraft('ldap'), realm: 'corp' };
    expect(isComplete(draft)).toBe(false);
    const values = { ...draft.values, server1: 'a', base_dn: 'dc=a' };
    expect(isComplete({ ...draft, values })).toBe(true);
    expect(isComplete({ ...draft, values, realm: '1 x' })).toBe(false);
  });

  it('becomes parameters without what is empty, numbers as numbers', () => {
    const values = { server1: ' a ', port: '636', bind_dn: '', verify: false, password: ' x ' };
    expect(createParams({ realm: 'corp', type: 'ldap', values })).toEqual({
      realm: 'corp',
      type: 'ldap',
      server1: 'a',
      port: 636,
      verify: false,
      password: ' x ',
    });
  });

  it('sends what has changed and removes what was emptied', () => {
    const shown = {
      type: 'ldap',
      digest: 'd',
      comment: 'old',
      server1: 'a',
      base_dn: 'b',
      user_attr: 'c',
      verify: 1,
      port: 1,
    };
    const before = draftOf('corp', shown as Parameters<typeof draftOf>[1]);
    const after = {
      ...before,
      values: { ...before.values, comment: 'new', port: '', verify: false, password: 'p' },
    };
    expect(updateParams(before, after, 'd')).toEqual({
      realm: 'corp',
      digest: 'd',
      comment: 'new',
      verify: false,
      password: 'p',
      delete: 'port',
    });
    expect(updateParams(before, before, 'd')).toEqual({ realm: 'corp', digest: 'd' });
  });

  it('has only fields of its type', () => {
    expect(fieldGroups('ldap').flatMap((group) => group.fields)).not.toContain('domain');
    expect(fieldGroups('pam').flatMap((group) => group.fields)).toEqual([
      'comment',
      'default',
      'order',
      'tfa',
    ]);
  });
});
