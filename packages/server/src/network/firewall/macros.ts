/**
 * Macros: names for the ports of well-known services. Names and ports are those of Proxmox VE's firewall, so that its
 * documents mean the same here.
 */

export interface MacroPart {
  readonly proto: string;
  readonly dport?: string;
  readonly sport?: string;
  readonly icmpType?: string;
}

export interface Macro {
  readonly name: string;
  readonly description: string;
  readonly parts: readonly MacroPart[];
}

/** `tcp:22`, `udp:67-68<67-68` (with source ports), `icmp:echo-request`, `47` (a protocol alone). */
function part(text: string): MacroPart {
  const [target = '', sport] = text.split('<');
  const [proto = '', detail] = target.split(':');
  if (proto.startsWith('icmp')) return { proto, ...(detail ? { icmpType: detail } : {}) };
  const ports = (value: string) => value.replaceAll('-', ':');
  return {
    proto,
    ...(detail ? { dport: ports(detail) } : {}),
    ...(sport ? { sport: ports(sport) } : {}),
  };
}

/** Name, parts separated by blanks, description. */
const table: readonly (readonly [name: string, parts: string, description: string])[] = [
  ['Amanda', 'udp:10080 tcp:10080', 'Amanda backup'],
  ['Auth', 'tcp:113', 'Identification (identd)'],
  ['BGP', 'tcp:179', 'Border Gateway Protocol'],
  ['BitTorrent', 'tcp:6881-6889 udp:6881', 'BitTorrent up to 3.1'],
  ['BitTorrent32', 'tcp:6881-6999 udp:6881', 'BitTorrent from 3.2 on'],
  ['CVS', 'tcp:2401', 'CVS password server'],
  ['Ceph', 'tcp:6789 tcp:3300 tcp:6800-7300', 'Ceph monitors, OSDs and metadata servers'],
  ['Citrix', 'tcp:1494 udp:1604 tcp:2598', 'Citrix ICA'],
  ['DAAP', 'tcp:3689 udp:3689', 'Digital Audio Access Protocol'],
  ['DCC', 'tcp:6277', 'Distributed Checksum Clearinghouse'],
  ['DHCPfwd', 'udp:67-68<67-68', 'Forwarded DHCP'],
  ['DHCPv6', 'udp:546-547<546-547', 'DHCP for IPv6'],
  ['DNS', 'udp:53 tcp:53', 'Domain Name System'],
  ['Distcc', 'tcp:3632', 'Distributed compiler'],
  ['FTP', 'tcp:21', 'File Transfer Protocol'],
  ['Finger', 'tcp:79', 'Finger'],
  ['GNUnet', 'tcp:2086 udp:2086 tcp:1080 udp:1080', 'GNUnet'],
  ['GRE', '47', 'Generic Routing Encapsulation'],
  ['Git', 'tcp:9418', 'Git daemon'],
  ['HKP', 'tcp:11371', 'OpenPGP key server'],
  ['HTTP', 'tcp:80', 'Web without encryption'],
  ['HTTPS', 'tcp:443', 'Web with TLS'],
  ['ICPV2', 'udp:3130', 'Internet Cache Protocol 2 (Squid)'],
  ['ICQ', 'tcp:5190', 'AOL instant messenger'],
  ['IMAP', 'tcp:143', 'Mail access by IMAP'],
  ['IMAPS', 'tcp:993', 'Mail access by IMAP with TLS'],
  ['IPIP', '94', 'IP in IP'],
  ['IPsec', 'udp:500<500 50', 'IPsec with ESP'],
  ['IPsecah', 'udp:500<500 51', 'IPsec with AH'],
  ['IPsecnat', 'udp:500 udp:4500 50', 'IPsec through NAT'],
  ['IRC', 'tcp:6667', 'Internet Relay Chat'],
  ['Jetdirect', 'tcp:9100', 'Printers (Jetdirect)'],
  ['L2TP', 'udp:1701', 'Layer 2 Tunneling Protocol'],
  ['LDAP', 'tcp:389', 'LDAP'],
  ['LDAPS', 'tcp:636', 'LDAP with TLS'],
  ['MDNS', 'udp:5353', 'Multicast DNS'],
  ['MSNP', 'tcp:1863', 'Microsoft Notification Protocol'],
  ['MSSQL', 'tcp:1433', 'Microsoft SQL Server'],
  ['Mail', 'tcp:25 tcp:465 tcp:587', 'Mail: SMTP, SMTPS, submission'],
  ['Munin', 'tcp:4949', 'Munin monitoring'],
  ['MySQL', 'tcp:3306', 'MySQL, MariaDB'],
  ['NNTP', 'tcp:119', 'News'],
  ['NNTPS', 'tcp:563', 'News with TLS'],
  ['NTP', 'udp:123', 'Network Time Protocol'],
  [
    'NeighborDiscovery',
    'icmpv6:router-solicitation icmpv6:router-advertisement icmpv6:neighbor-solicitation icmpv6:neighbor-advertisement',
    'IPv6 neighbour solicitation, neighbour and router advertisement',
  ],
  ['OSPF', '89', 'OSPF routing'],
  ['OpenVPN', 'udp:1194', 'OpenVPN'],
  ['PBS', 'tcp:8007', 'Proxmox Backup Server'],
  ['PCA', 'udp:5632 tcp:5631', 'PCAnywhere'],
  ['PMG', 'tcp:8006', 'Proxmox Mail Gateway, web interface'],
  ['POP3', 'tcp:110', 'Mail access by POP3'],
  ['POP3S', 'tcp:995', 'Mail access by POP3 with TLS'],
  ['PPtP', '47 tcp:1723', 'Point-to-Point Tunneling Protocol'],
  ['Ping', 'icmp:echo-request icmpv6:echo-request', 'Ping (ICMP echo request)'],
  ['PostgreSQL', 'tcp:5432', 'PostgreSQL'],
  ['Printer', 'tcp:515', 'Printers (line printer protocol)'],
  ['RDP', 'tcp:3389', 'Microsoft Remote Desktop'],
  ['RIP', 'udp:520', 'Routing Information Protocol'],
  ['RNDC', 'tcp:953', 'Management of BIND'],
  ['Razor', 'tcp:2703', 'Razor anti-spam'],
  ['Rdate', 'tcp:37', 'Time by rdate'],
  ['Rsync', 'tcp:873', 'Rsync server'],
  ['SANE', 'tcp:6566', 'Scanners in the network (SANE)'],
  ['SMB', 'udp:135,445 udp:137-139 udp:1024-65535<137 tcp:135,139,445', 'Windows file sharing (SMB)'],
  ['SMBswat', 'tcp:901', 'Samba web administration'],
  ['SMTP', 'tcp:25', 'Mail transfer'],
  ['SMTPS', 'tcp:465', 'Mail transfer with TLS'],
  ['SNMP', 'udp:161-162 tcp:161', 'Simple Network Management Protocol'],
  ['SPAMD', 'tcp:783', 'SpamAssassin daemon'],
  ['SPICEproxy', 'tcp:3128', 'Proxy for SPICE displays'],
  ['SSH', 'tcp:22', 'Secure shell'],
  ['SVN', 'tcp:3690', 'Subversion server'],
  ['SixXS', 'tcp:3874 udp:3740 41 udp:5072,8374', 'IPv6 by SixXS'],
  ['Squid', 'tcp:3128', 'Squid web proxy'],
  ['Submission', 'tcp:587', 'Mail submission'],
  ['Syslog', 'udp:514 tcp:514', 'System log (RFC 5424)'],
  ['TFTP', 'udp:69', 'Trivial File Transfer Protocol'],
  ['Telnet', 'tcp:23', 'Telnet'],
  ['Telnets', 'tcp:992', 'Telnet with TLS'],
  ['Time', 'tcp:37', 'Time (RFC 868)'],
  ['Trcrt', 'udp:33434-33524 icmp:echo-request icmpv6:echo-request', 'Traceroute up to 30 hops'],
  ['VNC', 'tcp:5900-5999', 'VNC displays 0 to 99'],
  ['VNCL', 'tcp:5500', 'VNC servers that call listening viewers'],
  ['Web', 'tcp:80 tcp:443', 'Web with and without TLS'],
  ['Webcache', 'tcp:8080', 'Web cache, web proxy'],
  ['Webmin', 'tcp:10000', 'Webmin'],
  ['Whois', 'tcp:43', 'Whois (RFC 3912)'],
];

export const macros: readonly Macro[] = table.map(([name, parts, description]) => ({
  name,
  description,
  parts: parts.split(' ').map(part),
}));

const byName = new Map(macros.map((macro) => [macro.name.toLowerCase(), macro]));

/** Upper and lower case do not matter. */
export function findMacro(name: string): Macro | undefined {
  return byName.get(name.toLowerCase());
}
