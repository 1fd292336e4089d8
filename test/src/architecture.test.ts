import { expect } from 'chai'
import { readdirSync } from 'node:fs'
import { arrows } from './architecture/arrows.js'
import { impurities } from './architecture/purity.js'
import { wrongDependencies, wrongImports } from './architecture/source.js'
import type { Manifest } from './architecture/source.js'
import { files, folders, manifest, read, root, sources } from './architecture/tree.js'

const packages = folders('packages')

describe('the house', () => {
  it('has only packages whose place is decided', () => {
    expect(packages.filter((name) => !arrows.has(name))).to.deep.equal([])
  })

  it('has arrows that go down only', () => {
    const reaches = (from: string, to: string): boolean =>
      (arrows.get(from) ?? []).some((next) => next === to || reaches(next, to))
    expect([...arrows.keys()].filter((name) => reaches(name, name))).to.deep.equal([])
  })

  for (const name of packages) {
    it(`${name} imports only what it may`, () => {
      const own = manifest(name)
      expect(sources(name).flatMap((source) => wrongImports(source, own))).to.deep.equal([])
    })

    it(`${name} depends only on what it may`, () => {
      expect(manifest(name).name).to.equal(`@nv2/${name}`)
      expect(wrongDependencies(name, manifest(name))).to.deep.equal([])
    })
  }

  it('keeps the rules pure', () => {
    const rules = sources('tuf').filter(({ path }) => path.startsWith('src/'))
    expect(rules).to.not.be.empty
    expect(rules.flatMap(({ path, text }) => impurities(path, text))).to.deep.equal([])
  })

  it('keeps the program in one small file', () => {
    const bin = files('packages').filter((path) => /^[^/]+\/bin\//.test(path))
    expect(bin).to.deep.equal(['cli/bin/nv2.js'])
  })

  it('has no source above 300 lines and no test above 500', () => {
    const all = ['packages', 'test', 'bench', 'fixtures', '.ci', 'repo-keys'].flatMap((folder) =>
      files(folder).map((path) => `${folder}/${path}`),
    )
    const long = all
      .filter((path) => /\.(ts|js|mjs|cjs|go|py|sh)$/.test(path))
      .map((path) => ({ path, lines: read(path).trimEnd().split('\n').length }))
      .filter(({ path, lines }) => lines > (/\/test\/|\.test\./.test(path) ? 500 : 300))
    expect(long).to.deep.equal([])
  })

  it('has only the top-level names that were agreed', () => {
    const known = new Set(
      (
        'package.json package-lock.json tsconfig.json lerna.json eslint.config.js packages repo-keys fixtures test ' +
        'docs bench examples README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE node_modules'
      ).split(' '),
    )
    const other = readdirSync(root).filter((name) => !name.startsWith('.') && !known.has(name))
    expect(other).to.deep.equal([])
  })

  it('locks dependencies without the address they came from', () => {
    for (const path of ['package-lock.json', 'fixtures/netmonitor/package-lock.json']) {
      const lock = JSON.parse(read(path)) as {
        packages: Record<string, { resolved?: string; link?: boolean }>
      }
      const addressed = Object.entries(lock.packages).filter(([, { resolved, link }]) => resolved && !link)
      expect(addressed, path).to.deep.equal([])
      expect(read(path), path).to.not.match(/https?:\/\/[^"]*\.tgz/)
    }
  })

  it('puts the program on the path of whoever installs it', () => {
    const { bin, files } = JSON.parse(read('packages/cli/package.json')) as { bin: unknown; files: string[] }
    expect(bin).to.deep.equal({ nv2: 'bin/nv2.js' })
    expect(files).to.include('bin')
    expect(read('package-lock.json')).to.match(/"bin": \{\s*"nv2": "bin\/nv2.js"/)
  })

  it('tells a stranger the two commands', () => {
    expect(read('README.md')).to.contain('npm run demo').and.to.contain('npm test')
  })
})

describe('the check itself, on planted faults', () => {
  const empty: Manifest = { name: '@nv2/x' }
  const wrong: [title: string, name: string, path: string, text: string][] = [
    ['tuf imports oci', 'tuf', 'src/a.ts', `import { parse } from '@nv2/oci'`],
    ['tuf imports a dependency', 'tuf', 'src/a.ts', `import nacl from 'tweetnacl'`],
    ['tuf reads files', 'tuf', 'src/a.ts', `import { readFileSync } from 'node:fs'`],
    ['tuf opens sockets, for the type only', 'tuf', 'src/a.ts', `import type { Socket } from 'node:net'`],
    ['tuf loads late', 'tuf', 'src/a.ts', `const fs = await import('node:fs')`],
    ['oci knows TUF', 'oci', 'src/a.ts', `import { parse } from '@nv2/tuf'`],
    ['client imports service', 'client', 'src/a.ts', `import { accept } from '@nv2/service'`],
    ['service imports client', 'service', 'src/deep/a.ts', `export * from '@nv2/client'`],
    ['service imports keys', 'service', 'src/a.ts', `import type { KeyFile } from '@nv2/keys'`],
    ['service imports registry', 'service', 'src/a.ts', `const x = await import('@nv2/registry')`],
    ['registry imports store', 'registry', 'src/a.ts', `import { FileStore } from '@nv2/store'`],
    ['keys imports oci', 'keys', 'src/a.ts', `import { digest } from '@nv2/oci/digest'`],
    ['src imports the testkit', 'cli', 'src/a.ts', `import { tempDir } from '@nv2/testkit'`],
    [
      'a test below the testkit imports it',
      'keys',
      'test/a.test.ts',
      `import { tempDir } from '@nv2/testkit'`,
    ],
    ['a neighbour by path', 'client', 'src/a.ts', `import { parse } from '../../tuf/src/parse.js'`],
    [
      'a neighbour by path, from a test',
      'client',
      'test/a.ts',
      `import { x } from '../../tuf/dist/test/x.js'`,
    ],
    ['src imports a test', 'client', 'src/a.ts', `import { x } from '../test/x.js'`],
    ['an absolute path', 'client', 'src/a.ts', `import x from '/tmp/x.js'`],
    ['a dependency that is not declared', 'cli', 'src/a.ts', `import express from 'express'`],
    ['a built-in without node:', 'cli', 'src/a.ts', `import fs from 'fs'`],
    ['the program imports a test tool', 'cli', 'bin/nv2.js', `import '@nv2/testkit'`],
  ]
  for (const [title, name, path, text] of wrong) {
    it(`refuses: ${title}`, () => {
      expect(wrongImports({ package: name, path, text }, empty)).to.have.length(1)
    })
  }

  const right: [title: string, name: string, path: string, text: string][] = [
    ['a file of its own', 'tuf', 'src/deep/a.ts', `import { x } from '../parse.js'`],
    ['node:crypto', 'tuf', 'src/a.ts', `import { createHash } from 'node:crypto'`],
    ['the testkit in a test above it', 'client', 'test/a.test.ts', `import { tempDir } from '@nv2/testkit'`],
    ['a test tool in a test', 'tuf', 'test/a.test.ts', `import { Metadata } from '@tufjs/models'`],
    ['an import in a comment', 'tuf', 'src/a.ts', `// import x from '@nv2/oci'`],
  ]
  for (const [title, name, path, text] of right) {
    it(`allows: ${title}`, () => {
      expect(wrongImports({ package: name, path, text }, empty)).to.deep.equal([])
    })
  }

  it('allows an arrow only when package.json declares it', () => {
    const source = { package: 'client', path: 'src/a.ts', text: `import { parse } from '@nv2/tuf'` }
    expect(wrongImports(source, empty)).to.have.length(1)
    expect(
      wrongImports(source, { name: '@nv2/client', dependencies: { '@nv2/tuf': '0.1.0' } }),
    ).to.deep.equal([])
  })

  for (const [from, name] of [
    ['tuf', 'tweetnacl'],
    ['client', '@nv2/service'],
    ['store', '@nv2/testkit'],
  ] as const) {
    it(`refuses: package.json of ${from} depends on ${name}`, () => {
      expect(wrongDependencies(from, { name: 'x', dependencies: { [name]: '1.0.0' } })).to.have.length(1)
      expect(wrongDependencies(from, { name: 'x', peerDependencies: { [name]: '1.0.0' } })).to.have.length(1)
    })
  }

  const clocks = [
    'Date.now()',
    'new Date()',
    'new Date',
    'Date()',
    'process.env',
    'Math.random()',
    'fetch("x")',
  ]
  for (const text of [
    ...clocks,
    'globalThis.process',
    'setTimeout(f, 1)',
    'import("node:fs")',
    'const { env } = process',
  ]) {
    it(`refuses in the rules: ${text}`, () => {
      expect(impurities('src/a.ts', text)).to.not.be.empty
    })
  }
  for (const text of [
    'new Date(text)',
    'Date.parse(x)',
    'now.getTime()',
    'x.process',
    '// Date.now()',
    '"Date.now()"',
  ]) {
    it(`allows in the rules: ${text}`, () => {
      expect(impurities('src/a.ts', text)).to.deep.equal([])
    })
  }
})
