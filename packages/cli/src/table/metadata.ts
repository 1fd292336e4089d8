import { EXPIRES, REPO, SHARED_KEY, type CommandSpec } from './spec.js'

/** What edits and signs TUF metadata. */
export const METADATA: readonly CommandSpec[] = [
  {
    words: 'repo init',
    args: '<name>',
    summary: 'sign the first root and targets of a TUF repository; prints the root file that consumers pin',
    detail:
      'KEY is the name of a key here, or a path to a public key file (with a slash). The public halves of the online keys, snapshot and timestamp, are enough.',
    options: [
      {
        flags: '--root-key <key...>',
        help: 'a key of the root role; private, those here sign',
        required: true,
      },
      { flags: '--root-threshold <n>', help: 'how many root keys must sign', default: '1' },
      {
        flags: '--targets-key <key...>',
        help: 'a key of the targets role; private, those here sign',
        required: true,
      },
      { flags: '--targets-threshold <n>', help: 'how many targets keys must sign', default: '1' },
      { flags: '--snapshot-key <key...>', help: 'the online key for snapshots', required: true },
      { flags: '--timestamp-key <key...>', help: 'the online key for timestamps', required: true },
      SHARED_KEY,
      EXPIRES,
    ],
    examples: [
      'nv2 repo init public --root-key alice --root-key bob --root-threshold 2 --targets-key targets --snapshot-key online --timestamp-key online',
    ],
    file: 'repo-init',
  },
  {
    words: 'delegate',
    args: '<from> [to]',
    summary: 'let a role, or several roles together, sign for names',
    detail:
      "--path 'R' stands for 'R:*' and 'R@*'; '*' stops at '/', so nested repositories need their own. With --all-of, every named role (or --min of them) must say the same (TAP 3).",
    options: [
      { flags: '--key <key...>', help: 'a key of the new role' },
      { flags: '--threshold <n>', help: 'how many of these keys must sign (1; that of an imported role)' },
      { flags: '--path <glob...>', help: 'the names that the role may sign', required: true },
      { flags: '--terminating', help: 'do not look further once this delegation matches' },
      { flags: '--all-of <role=keys...>', help: 'a member of a group: ROLE=KEY[,KEY...][/THRESHOLD]' },
      { flags: '--min <n>', help: 'how many members of the group must agree, instead of all' },
      SHARED_KEY,
      REPO,
      EXPIRES,
    ],
    examples: [
      "nv2 delegate targets wabbit-networks --key wabbit-targets --path 'wabbit-networks/*'",
      'nv2 delegate targets --all-of wabbit-networks/netmonitor=wabbit --all-of acme-rockets/netmonitor=acme-rockets-key --path wabbit-networks/netmonitor',
    ],
    file: 'delegate',
  },
  {
    words: 'revoke',
    args: '<from> <to>',
    summary: 'take a key away from a role; with the last key the delegation goes',
    options: [
      { flags: '--key <key...>', help: 'the key to take away', required: true },
      { flags: '--replace <key...>', help: 'the key that takes its place' },
      { flags: '--force', help: 'also where a TAP 3 group stays unsatisfiable' },
      SHARED_KEY,
      REPO,
      EXPIRES,
    ],
    examples: ['nv2 revoke targets wabbit-networks --key wabbit-targets --replace wabbit-targets-2'],
    file: 'revoke',
  },
  {
    words: 'sign',
    args: '<name-or-key> [key]',
    summary:
      'sign an artifact of the local store: `sign NAME KEY`; or the draft of a role: `sign --role ROLE KEY`',
    options: [
      { flags: '--role <role>', help: 'the role: to sign its draft, or where the key serves several' },
      { flags: '--keep', help: 'a tag that moves leaves its earlier artifact signed by digest' },
      REPO,
      EXPIRES,
    ],
    examples: ['nv2 sign netmonitor wabbit-networks-key', 'nv2 sign --role wabbit-networks security-key'],
    file: 'sign',
  },
]
