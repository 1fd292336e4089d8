import { expect } from 'chai'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { read, root } from './architecture/tree.js'

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'repo-keys/README.md',
  'bench/README.md',
]
  .concat(readdirSync(join(root, 'docs')).map((name) => `docs/${name}`))
  .concat(readdirSync(join(root, 'docs/adr')).map((name) => `docs/adr/${name}`))
  .concat('fixtures/netmonitor/README.md', 'fixtures/vectors/README.md')
  .filter((path) => path.endsWith('.md'))

describe('the documents', () => {
  for (const page of pages) {
    it(`${page} names only files that are there`, () => {
      const text = read(page)
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) =>
        join(dirname(page), match[1]!),
      )
      const named = [...text.matchAll(/`((?:packages|test|fixtures|docs|bench|repo-keys)\/[\w./-]+)`/g)]
      const missing = [...links, ...named.map((match) => match[1]!)].filter(
        (path) => !existsSync(join(root, path)),
      )
      expect(missing).to.deep.equal([])
    })

    it(`${page} keeps house names and addresses out`, () => {
      expect(read(page)).to.not.match(/\/work\/|registry\.npmjs|pypi\.org|proxy\.golang/)
    })
  }

  it('threats: each check stands in the file that is named for it, each row has a test', () => {
    const rows = read('docs/threats.md')
      .split('\n')
      .filter((line) => /^\| .*\|.*\|.*\|$/.test(line) && !line.startsWith('| attack |'))
    expect(rows.length).to.be.greaterThan(20)
    const wrong = rows.filter((row) => {
      const [, attack = '', check = '', test = ''] = row.split('|')
      const files = [...check.matchAll(/`(packages\/[\w./-]+\.ts)`(?: `(\w+)`(?:, `(\w+)`)?)?/g)]
      const found = files.every(([, file = '', ...names]) =>
        names.every((name) => name === undefined || new RegExp(`\\b${name}\\b`).test(read(file))),
      )
      const same = attack.trim() !== '' && check.includes('the same')
      return !found || (files.length === 0 && !same) || !/`packages\/\w+\/test\//.test(test)
    })
    expect(wrong).to.deep.equal([])
  })

  it('exit codes: the page and the table of nv2 say the same', () => {
    const source = read('packages/cli/src/exit.ts')
    const statuses = new Map(
      [...source.matchAll(/^ {2}(\w+): (\d+),$/gm)].map(([, name = '', status = '']) => [
        name,
        Number(status),
      ]),
    )
    const table = [...source.matchAll(/^ {2}([A-Z_]+): (\w+),$/gm)].map(([, code = '', name = '']) => [
      code,
      statuses.get(name),
    ])
    const page: [string, number | undefined][] = []
    let status: number | undefined
    for (const line of read('docs/exit-codes.md').split('\n')) {
      if (line.startsWith('## ')) status = Number(line.split(' ')[1])
      if (!line.startsWith('| `')) continue
      const cell = line.split('|')[1] ?? ''
      for (const [, code = ''] of cell.matchAll(/`([A-Z_]+)`/g))
        page.push([code, code === 'INTERRUPTED' ? 130 : status])
    }
    const order = (rows: (readonly (string | number | undefined)[])[]): string[] =>
      rows.map((row) => row.join(' ')).sort()
    expect(table).to.not.be.empty
    expect(order(page)).to.deep.equal(order(table))
  })
})
