import { type CommandSpec, type OptionSpec } from './spec.js'

const SERVICE: readonly OptionSpec[] = [
  { flags: '--data <folder>', help: 'where artifacts and metadata are kept', required: true },
  {
    flags: '--repo <name=root...>',
    help: 'a TUF repository to host and its 1.root.json: public=1.root.json',
    required: true,
  },
  {
    flags: '--keys <folder>',
    help: 'key files with the private snapshot and timestamp keys of these repositories',
    required: true,
  },
  { flags: '--snapshot-life <life>', help: 'how long a snapshot is valid', default: '7d' },
  { flags: '--timestamp-life <life>', help: 'how long a timestamp is valid', default: '1d' },
]

/** Registries: those that are used, and those that run here. */
export const PLACES: readonly CommandSpec[] = [
  {
    words: 'registry add',
    args: '<name> <url>',
    summary: 'state where a registry is and which root of trust it is believed under; does not call it',
    options: [
      { flags: '--root <file>', help: 'the root file, received in a way you trust' },
      { flags: '--root-sha256 <hex>', help: 'sha256 of the root file, received in a way you trust' },
      { flags: '--namespace <namespace...>', help: 'short names are looked for here, in this order' },
      { flags: '--oci <host>', help: 'where the artifacts are, when not at the same place' },
      { flags: '--default-upload', help: 'upload goes here when --registry is not given' },
      { flags: '--default-download', help: 'download comes from here when --registry is not given' },
    ],
    examples: [
      'nv2 registry add public https://registry.example --root 1.root.json --namespace wabbit-networks',
    ],
    file: 'registry-add',
  },
  {
    words: 'registry list',
    summary: 'list the registries and the roots they are believed under',
    examples: ['nv2 registry list'],
    file: 'registry-list',
  },
  {
    words: 'registry reset-clock',
    args: '<name>',
    summary: 'forget when a registry was last seen, after this clock was wrong; versions seen are kept',
    examples: ['nv2 registry reset-clock public'],
    file: 'registry-reset-clock',
  },
  {
    words: 'serve',
    summary: 'run a registry with its TUF repository service, on this host',
    options: [
      ...SERVICE,
      { flags: '--port <port>', help: 'port to listen on; 0 takes a free one', default: '8080' },
      { flags: '--host <address>', help: 'address to listen on', default: '127.0.0.1' },
      { flags: '--interval <life>', help: 'how often to publish what was uploaded, or `off`', default: '1s' },
      {
        flags: '--tokens <file>',
        help: 'bearer tokens that may upload: {"tokens":[{"sha256","repository","roles"}]}',
      },
    ],
    examples: ['nv2 serve --data /srv/nv2 --port 8080 --repo public=1.root.json --keys /etc/nv2/keys'],
    file: 'serve',
  },
  {
    words: 'publish',
    summary: 'publish once what was uploaded, and renew what ages',
    options: [
      ...SERVICE,
      { flags: '--now', help: 'a new root takes the place of the old at once, as after a theft of keys' },
    ],
    examples: ['nv2 publish --data /srv/nv2 --repo public=1.root.json --keys /etc/nv2/keys'],
    file: 'publish',
  },
  {
    words: 'completion',
    args: '<shell>',
    summary: 'print the completion script for bash, zsh or fish',
    examples: ['nv2 completion bash > /etc/bash_completion.d/nv2'],
    file: 'completion',
  },
]
