/** Completion scripts for shells. All of them ask the program itself: `qm --complete WORD...`, the last word unfinished. */

export const shells: readonly string[] = ['bash', 'zsh', 'fish'];

/** Answered instead of candidates when the shell should offer files. */
export const filesDirective = ':files';

/** The script for a shell, for all command names; undefined for an unknown shell. */
export function completionScript(shell: string, commands: readonly string[]): string | undefined {
  const names = commands.join(' ');
  if (shell === 'bash') return bash.replaceAll('@COMMANDS@', names);
  if (shell === 'zsh') return zsh.replaceAll('@COMMANDS@', names);
  return shell === 'fish' ? fish.replaceAll('@COMMANDS@', names) : undefined;
}

// Words are cut from the line by hand: bash itself would break volume ids at their colon.
const bash = String.raw`# bash completion of Ryokan's commands. Load it with: eval "$(ryokan completion bash)"
_ryokan_complete() {
  local line=${'${'}COMP_LINE:0:COMP_POINT} words current keep one
  read -ra words <<<"$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  current=${'${'}words[${'${'}#words[@]}-1]}
  # What stands before the last word break is on the line already.
  keep=
  case $current in *[:=]*) [[ $COMP_WORDBREAKS == *:* ]] && keep=${'${'}current%"${'${'}current##*[:=]}"} ;; esac
  COMPREPLY=()
  while IFS=$'\t' read -r one _; do
    if [[ $one == ':files' ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    case $one in */ | *: | *=) compopt -o nospace 2>/dev/null ;; esac
    COMPREPLY+=("${'${'}one#"$keep"}")
  done < <("${'${'}words[0]}" --complete "${'${'}words[@]:1}" 2>/dev/null)
}
complete -F _ryokan_complete @COMMANDS@
`;

const zsh = String.raw`#compdef @COMMANDS@
# zsh completion of Ryokan's commands. Load it with: eval "$(ryokan completion zsh)"
_ryokan_complete() {
  local -a plain open
  local value text
  while IFS=$'\t' read -r value text; do
    case $value in
      ':files') _files ;;
      */ | *: | *=) open+=("$value") ;;
      *) plain+=("${'${'}value//:/\\:}${'${'}text:+:$text}") ;;
    esac
  done < <("${'${'}words[1]}" --complete "${'${'}(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${'${'}#open} )) && compadd -S '' -- $open
  (( ${'${'}#plain} )) && _describe -V 'completion' plain
}
compdef _ryokan_complete @COMMANDS@
`;

const fish = String.raw`# fish completion of Ryokan's commands. Load it with: ryokan completion fish | source
function __ryokan_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] --complete $words[2..-1] "$current" 2>/dev/null)
    if contains -- ':files' $found
        __fish_complete_path $current
    else
        printf '%s\n' $found
    end
end
for command in @COMMANDS@
    complete -c $command -f -a '(__ryokan_complete)'
end
`;
