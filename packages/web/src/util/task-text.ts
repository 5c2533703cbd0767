import { type Key, translateIfKnown } from '../i18n/index.ts';

/** Task types that have a text of their own. The texts take the UPID's id field. */
const texts: Readonly<Record<string, Key>> = {
  qmcreate: 'task.qmcreate',
  qmstart: 'task.qmstart',
  qmstop: 'task.qmstop',
  qmshutdown: 'task.qmshutdown',
  qmreboot: 'task.qmreboot',
  qmreset: 'task.qmreset',
  qmsuspend: 'task.qmsuspend',
  qmresume: 'task.qmresume',
  qmdestroy: 'task.qmdestroy',
  qmconfig: 'task.qmconfig',
  resize: 'task.resize',
  qmsnapshot: 'task.qmsnapshot',
  qmdelsnapshot: 'task.qmdelsnapshot',
  qmrollback: 'task.qmrollback',
  qmclone: 'task.qmclone',
  qmtemplate: 'task.qmtemplate',
  qmmove: 'task.qmmove',
  qmrescan: 'task.qmrescan',
  vzcreate: 'task.vzcreate',
  vzstart: 'task.vzstart',
  vzstop: 'task.vzstop',
  vzshutdown: 'task.vzshutdown',
  vzreboot: 'task.vzreboot',
  vzsuspend: 'task.vzsuspend',
  vzresume: 'task.vzresume',
  vzdestroy: 'task.vzdestroy',
  vzsnapshot: 'task.vzsnapshot',
  vzdelsnapshot: 'task.vzdelsnapshot',
  vzrollback: 'task.vzrollback',
  vzclone: 'task.vzclone',
  vzrescan: 'task.vzrescan',
  vzfstrim: 'task.vzfstrim',
  vzfsck: 'task.vzfsck',
  vzmount: 'task.vzmount',
  vzumount: 'task.vzumount',
  move_volume: 'task.move_volume',
  buildtemplate: 'task.buildtemplate',
  'auth-realm-sync': 'task.authRealmSync',
  download: 'task.download',
  aplupdate: 'task.aplupdate',
  ocipull: 'task.ocipull',
  imgdel: 'task.imgdel',
  imgcopy: 'task.imgcopy',
  upload: 'task.imgcopy',
  vncproxy: 'task.vncproxy',
  vncshell: 'task.vncshell',
  startall: 'task.startall',
  stopall: 'task.stopall',
  natbridge: 'task.natbridge',
  natbridgerm: 'task.natbridgerm',
};

/** What a task does, in words: `VM 100 – Start`. */
export function describeTask(type: string, id: string): string {
  const key = texts[type];
  const text = key && translateIfKnown(key, { id });
  return text ?? (id ? `${type} ${id}` : type);
}
