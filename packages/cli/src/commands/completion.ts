import { COMMANDS, GLOBAL_OPTIONS, type OptionSpec } from '../commands.js'
import type { Run } from '../context.js'
import { usage } from '../errors.js'

export const run: Run = async (context, [shell = '']) => {
  const script = SCRIPTS.get(shell)
  if (!script)
    throw usage(
      `no completion for ${JSON.stringify(shell)}; there is one for ${[...SCRIPTS.keys()].join(', ')}`,
    )
  context.out.content(script())
}

const SCRIPTS: ReadonlyMap<string, () => string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])

/** What may follow each prefix of words: the next word of every command that begins so. */
function nextWords(): Map<string, Set<string>> {
  const next = new Map<string, Set<string>>()
  for (const { words } of COMMANDS) {
    const [first = '', second] = words.split(' ')
    add(next, '', first)
    if (second !== undefined) add(next, first, second)
  }
  return next
}

function add(next: Map<string, Set<string>>, prefix: string, word: string): void {
  next.set(prefix, (next.get(prefix) ?? new Set()).add(word))
}

function flags(options: readonly OptionSpec[] | undefined): string[] {
  return [...(options ?? []), ...GLOBAL_OPTIONS, { flags: '--help', help: '' }].map(
    ({ flags: text }) => text.split(' ')[0] ?? '',
  )
}

function cases(): string {
  const lines = [...nextWords()].map(
    ([prefix, words]) => `    '${prefix}') words='${[...words].join(' ')}' ;;`,
  )
  for (const { words, options } of COMMANDS)
    lines.push(`    '${words}') words='${flags(options).join(' ')}' ;;`)
  return lines.join('\n')
}

// Options that take a value complete to file names after their flag: a key, a folder and a root are all typed there.
function bash(): string {
  return `# bash completion of nv2
_nv2() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words='' said='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    case "\${said:+$said }$word" in
${known()}) said="\${said:+$said }$word" ;;
      *) break ;;
    esac
  done
  case "$said" in
${cases()}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _nv2 nv2
`
}

function known(): string {
  const all = new Set(
    COMMANDS.flatMap(({ words }) => [words, ...(words.includes(' ') ? [words.split(' ')[0] ?? ''] : [])]),
  )
  return `      ${[...all].map((words) => `'${words}'`).join('|')}`
}

function zsh(): string {
  return `#compdef nv2
autoload -U +X bashcompinit && bashcompinit
${bash()}`
}

function fish(): string {
  const lines = ['# fish completion of nv2', 'complete -c nv2 -f']
  const firsts = new Map<string, string>()
  for (const { words, summary } of COMMANDS) {
    const [first = '', second] = words.split(' ')
    if (second === undefined) firsts.set(first, summary)
    else if (!firsts.has(first)) firsts.set(first, '')
  }
  for (const [word, help] of firsts)
    lines.push(`complete -c nv2 -n __fish_use_subcommand -a ${word} -d ${quote(help)}`)
  for (const { words, summary, options } of COMMANDS) {
    const [first = '', second] = words.split(' ')
    let seen = `__fish_seen_subcommand_from ${first}`
    if (second !== undefined) {
      lines.push(`complete -c nv2 -n '${seen}' -a ${second} -d ${quote(summary)}`)
      seen += `; and __fish_seen_subcommand_from ${second}`
    }
    for (const option of [...(options ?? []), ...GLOBAL_OPTIONS]) {
      const [flag = '', value] = option.flags.split(' ')
      lines.push(
        `complete -c nv2 -n '${seen}' -l ${flag.slice(2)}${value ? ' -r -F' : ''} -d ${quote(option.help)}`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
