/** Formats that only container configurations use. Importing this file makes them known. */
import { checkFormat, defineFormat, isIpv4, isIpv6, splitList } from './formats.ts';
import './qemu-formats.ts';

defineFormat('pve-lxc-mp-string', (text) => {
  // `..` could lead a mount out of its container, or a bind mount out of a folder that was allowed.
  if (/(^|\/)\.\.(\/|$)/.test(text)) return "'..' is not allowed in a path";
  return /[\s\\]/.test(text) && !text.startsWith('/')
    ? 'blanks are possible in absolute paths only'
    : undefined;
});
defineFormat('pve-lxc-dev-string', (text) => {
  if (/(^|\/)\.\.?(\/|$)/.test(text)) return "'.' and '..' are not allowed in the path of a device";
  return /^\/dev\/\S+$/.test(text) ? undefined : 'a device is a path below /dev/';
});
defineFormat('lxc-ip-with-ll-iface', (text) => {
  const [address = '', zone] = text.split('%');
  if (zone !== undefined)
    return isIpv6(address) && /^fe80:/i.test(address) && /^[\w.-]{1,15}$/.test(zone)
      ? undefined
      : 'only a link-local IPv6 address has an interface';
  return isIpv4(address) || isIpv6(address) ? undefined : 'value does not look like a valid IP address';
});
defineFormat('lxc-ip-with-ll-iface-list', (text) => {
  if (text === 'host') return undefined;
  return splitList(text)
    .map((one) => checkFormat('lxc-ip-with-ll-iface', one))
    .find((problem) => problem !== undefined);
});
defineFormat('pve-ct-timezone', (text) =>
  text === 'host' || /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(text)
    ? undefined
    : "value does not look like a valid time zone such as Asia/Tokyo, or 'host'",
);
