import { REGISTRY, type CommandSpec } from './spec.js'

/** What handles artifacts, here and at registries. */
export const ARTIFACTS: readonly CommandSpec[] = [
  {
    words: 'add',
    args: '<name>',
    summary: 'put an artifact into the local store: one OCI index over image, SBoM and source',
    options: [
      { flags: '--image <path>', help: 'an OCI image layout, folder or tar' },
      { flags: '--sbom <path>', help: 'an SBoM document, as SPDX JSON' },
      { flags: '--source <path>', help: 'a source archive' },
      { flags: '--file <path=type...>', help: 'another file and its media type' },
    ],
    examples: [
      'nv2 add wabbit-networks/netmonitor:v1 --image image.tar --sbom sbom.spdx.json --source src.tar',
    ],
    file: 'add',
  },
  {
    words: 'list',
    args: '[name]',
    summary: 'list the artifacts of the local store',
    examples: ['nv2 list'],
    file: 'list',
  },
  {
    words: 'remove',
    args: '<name>',
    summary: 'remove an artifact from the local store',
    examples: ['nv2 remove netmonitor:v1'],
    file: 'remove',
  },
  {
    words: 'upload',
    args: '[name]',
    summary: 'send an artifact and the roles that sign it, or drafts, to a registry',
    options: [
      { flags: '--role <role>', help: 'send the draft of this role' },
      { flags: '--repo <name>', help: 'the TUF repository; alone: send all its drafts' },
      REGISTRY,
      { flags: '--wait', help: 'return once it is published' },
      { flags: '--token-file <file>', help: 'a bearer token of the operator, instead of a key of the role' },
    ],
    examples: ['nv2 upload netmonitor', 'nv2 upload --repo public --wait'],
    file: 'upload',
  },
  {
    words: 'download',
    args: '<name>',
    summary: 'verify an artifact from your root of trust on and fetch it',
    options: [
      { flags: '--output <folder>', help: 'also write the files into this folder' },
      { flags: '--platform <os/arch>', help: 'the image of this platform only' },
      REGISTRY,
    ],
    examples: ['nv2 download netmonitor --output netmonitor'],
    file: 'download',
  },
]
