/** The little YAML that cloud-init data needs: scalars that mean the same text to every parser. */

/** What no YAML parser takes for anything but this text, when it stands behind `key: ` or `- `. */
const plain = /^[A-Za-z0-9$/.+][ -~]*$/;
/** Ends a plain scalar, or begins a comment. */
const broken = /: |:$| #|\s$/;
/** Numbers, times, booleans and null of YAML 1.1, which cloud-init's parser speaks. */
const typed = /^(?:[-+.]?\d[\d_.,:eExXa-fA-F+-]*|[-+]?\.(?:inf|nan)|y|n|yes|no|on|off|true|false|null|~)$/i;

/** A text as plain scalar where that is safe, else in double quotes (every JSON string is one of YAML). */
export function yamlScalar(text: string): string {
  return plain.test(text) && !broken.test(text) && !typed.test(text) ? text : JSON.stringify(text);
}
