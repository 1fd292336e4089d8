import { expect } from 'chai'
import { resolveName, resolveStored, type Config, type Registry } from '../src/index.js'
import { codeOf } from './consumer.js'

const registry = (name: string, more: Partial<Registry> = {}): Registry => ({
  name,
  url: `https://${name}.example`,
  repo: name,
  rootSha256: '0'.repeat(64),
  namespaces: [],
  defaultUpload: false,
  defaultDownload: false,
  ...more,
})
const config = (...registries: Registry[]): Config => ({ registries })
const wabbit = registry('public', { namespaces: ['wabbit-networks'] })
const DIGEST = `sha256:${'a'.repeat(64)}`

describe('what a name means at a registry', () => {
  const rows: [string, Config, string, string | undefined, string][] = [
    [
      'a short name is of the namespace',
      config(wabbit),
      'netmonitor',
      undefined,
      'public wabbit-networks/netmonitor:latest',
    ],
    ['with a tag', config(wabbit), 'netmonitor:v1', undefined, 'public wabbit-networks/netmonitor:v1'],
    [
      'with a digest',
      config(wabbit),
      `netmonitor@${DIGEST}`,
      undefined,
      `public wabbit-networks/netmonitor@${DIGEST}`,
    ],
    ['a full path is itself', config(wabbit), 'acme/tool', undefined, 'public acme/tool:latest'],
    ['no namespace: itself', config(registry('public')), 'netmonitor', undefined, 'public netmonitor:latest'],
    [
      'two namespaces are two meanings, never the first that answers',
      config(registry('public', { namespaces: ['acme', 'wabbit-networks'] })),
      'netmonitor',
      undefined,
      'NAME_AMBIGUOUS',
    ],
    ['no registry at all', config(), 'netmonitor', undefined, 'NO_ROOT'],
    [
      'no registry at that host',
      config(wabbit),
      'evil.example/wabbit-networks/netmonitor',
      undefined,
      'REGISTRY_UNKNOWN',
    ],
    [
      'the host says which',
      config(wabbit, registry('other')),
      'other.example/wabbit-networks/netmonitor:v2',
      undefined,
      'other wabbit-networks/netmonitor:v2',
    ],
    ['--registry says which', config(wabbit, registry('other')), 'a/b', 'other', 'other a/b:latest'],
    ['--registry is unknown', config(wabbit), 'a/b', 'nowhere', 'REGISTRY_UNKNOWN'],
    [
      'the default says which',
      config(wabbit, registry('other', { defaultDownload: true })),
      'a/b',
      undefined,
      'other a/b:latest',
    ],
    [
      'the default for upload is none for download',
      config(registry('one', { defaultUpload: true }), registry('other')),
      'a/b',
      undefined,
      'REGISTRY_AMBIGUOUS',
    ],
    [
      'the only one with this namespace',
      config(registry('other'), wabbit),
      'wabbit-networks/netmonitor',
      undefined,
      'public wabbit-networks/netmonitor:latest',
    ],
    [
      'two with this namespace',
      config(wabbit, registry('mirror', { namespaces: ['wabbit-networks'] })),
      'wabbit-networks/netmonitor',
      undefined,
      'REGISTRY_AMBIGUOUS',
    ],
    ['tag and digest', config(wabbit), `netmonitor:v1@${DIGEST}`, undefined, 'USAGE'],
    ['not a name', config(wabbit), '../../etc/passwd', undefined, 'REFERENCE_INVALID'],
  ]
  for (const [what, given, name, named, meaning] of rows)
    it(`${what}: ${name} -> ${meaning}`, async () => {
      let answer = ''
      const code = await codeOf(() => {
        const resolved = resolveName(given, name, 'download', named)
        answer = `${resolved.registry.name} ${resolved.path}`
      })
      expect(code === 'none' ? answer : code).to.equal(meaning)
    })
})

describe('what a name means in the local store', () => {
  const stored = [
    'wabbit-networks/netmonitor:latest',
    'wabbit-networks/tool:v1',
    'acme/tool:v1',
    'tool:v2',
    'acme/tool:v2',
  ]
  const rows: [string, string][] = [
    ['netmonitor', 'wabbit-networks/netmonitor:latest'],
    ['wabbit-networks/netmonitor', 'wabbit-networks/netmonitor:latest'],
    ['tool:v1', 'NAME_AMBIGUOUS'],
    ['tool:v2', 'tool:v2'],
    ['monitor', 'NAME_NOT_FOUND'],
    ['networks/netmonitor', 'NAME_NOT_FOUND'],
    ['netmonitor:v9', 'NAME_NOT_FOUND'],
  ]
  for (const [name, meaning] of rows)
    it(`${name} -> ${meaning}`, async () => {
      let answer = ''
      const code = await codeOf(() => {
        answer = resolveStored(stored, name)
      })
      expect(code === 'none' ? answer : code).to.equal(meaning)
    })
})
