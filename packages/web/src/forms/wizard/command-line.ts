/** `qm create 100 --name web-1 …`: the call that makes a guest as a command of its own family. */
export function commandLine(program: 'qm' | 'pct', params: Readonly<Record<string, string>>): string {
  const { node: _, vmid = '', ostemplate, ...rest } = params;
  const options = Object.entries(rest).map(([key, value]) => `--${key} ${quote(value)}`);
  const template = ostemplate === undefined ? [] : [quote(ostemplate)];
  return [`${program} create ${vmid}`, ...template, ...options].join(' ');
}

function quote(value: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
