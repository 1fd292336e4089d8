import { type CommandSpec } from './spec.js'

/** Keys that sign. */
export const KEYS: readonly CommandSpec[] = [
  {
    words: 'key generate',
    args: '<name>',
    summary: 'make a key pair; the private half is kept encrypted, as cosign does',
    options: [
      {
        flags: '--type <type>',
        help: 'kind of key',
        choices: ['ed25519', 'ecdsa-p256', 'rsa'],
        default: 'ed25519',
      },
    ],
    examples: ['nv2 key generate wabbit-networks-key'],
    file: 'key-generate',
  },
  {
    words: 'key list',
    summary: 'list the keys that are here',
    examples: ['nv2 key list'],
    file: 'key-list',
  },
  {
    words: 'key show',
    args: '<name>',
    summary: 'show a key: type, key id, fingerprint, public half',
    examples: ['nv2 key show wabbit-networks-key'],
    file: 'key-show',
  },
  {
    words: 'key import',
    args: '<file-or-role>',
    summary: 'keep a key file of cosign, go-tuf or OpenSSL, or take the keys of a role from a registry',
    detail:
      'With --from REGISTRY, the argument is a role: its keys and threshold are taken from the verified delegation at that registry, never from the file of the role.',
    options: [
      { flags: '--name <name>', help: 'name for the key, instead of the name of the file' },
      { flags: '--from <registry>', help: 'a registry of `nv2 registry list` whose role is meant' },
    ],
    examples: [
      'nv2 key import cosign.key --name release',
      'nv2 key import --from public wabbit-networks/netmonitor',
    ],
    file: 'key-import',
  },
  {
    words: 'key export',
    args: '<name>',
    summary: 'print the public half of a key as PEM',
    options: [
      {
        flags: '--public',
        help: 'say that the public half is meant; private keys are not exported',
        required: true,
      },
    ],
    examples: ['nv2 key export wabbit-networks-key --public > wabbit-networks-key.pub'],
    file: 'key-export',
  },
]
