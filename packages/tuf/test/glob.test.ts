import { expect } from 'chai'
import fc from 'fast-check'
import { checkPattern, checkTarget, matchPaths, matchPattern, parseTargetPath } from '../src/index.js'
import { refused } from './expect.js'

describe('patterns of target paths', () => {
  const rows: [string, string, boolean][] = [
    ['wabbit-networks/netmonitor:*', 'wabbit-networks/netmonitor:v1', true],
    ['wabbit-networks/netmonitor:*', 'wabbit-networks/netmonitor-evil:v1', false],
    ['wabbit-networks/*', 'wabbit-networks/netmonitor:v1', true],
    ['wabbit-networks/*', 'wabbit-networks/deep/netmonitor:v1', false],
    ['*', 'a/b', false],
    ['*', '.hidden', true],
    ['?', '/', false],
    ['a?c', 'abc', true],
    ['a?c', 'a\u{1F600}c', true],
    ['[ab]x', 'bx', true],
    ['[!ab]x', 'bx', false],
    ['[a-c]x', 'bx', true],
    ['[]]x', ']x', true],
    ['[ab', '[ab', true],
    ['{a,b}', 'a', false],
    ['!a', 'a', false],
    ['+(a)', 'aa', false],
    ['#a', '#a', true],
    ['A', 'a', false],
    ['', '', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
  ]
  for (const [pattern, path, wanted] of rows)
    it(`${pattern} ${wanted ? 'matches' : 'does not match'} ${path}`, () => {
      expect(matchPattern(pattern, path)).to.equal(wanted)
    })

  it('agrees with a naive reference', () => {
    const naive = (p: string, s: string): boolean => {
      if (p === '') return s === ''
      if (p.startsWith('*'))
        return naive(p.slice(1), s) || (s !== '' && !s.startsWith('/') && naive(p, s.slice(1)))
      return (
        s !== '' &&
        (s.startsWith(p.slice(0, 1)) || (p.startsWith('?') && !s.startsWith('/'))) &&
        naive(p.slice(1), s.slice(1))
      )
    }
    const chars = (all: string) => fc.string({ unit: fc.constantFrom(...all), maxLength: 9 })
    fc.assert(
      fc.property(chars('ab/*?.'), chars('ab/.'), (pattern, path) => {
        expect(matchPattern(pattern, path)).to.equal(naive(pattern, path))
      }),
      { numRuns: 3000 },
    )
  })

  it('does not blow up on a pattern made for it', () => {
    expect(matchPattern(`${'a*'.repeat(400)}b`, 'a'.repeat(4000))).to.equal(false)
  })

  it('matches prefixes of the hash of the path', () => {
    expect(matchPaths({ kind: 'prefixes', prefixes: ['x', 'ba'] }, 'abc')).to.equal(true) // sha256("abc") = ba78…
    expect(matchPaths({ kind: 'prefixes', prefixes: ['bb'] }, 'abc')).to.equal(false)
  })

  for (const pattern of ['wabbit-networks/netmonitor*', 'netmonitor*', 'a/b**'])
    it(`refuses ${pattern}, which also owns ${pattern.replace(/\*+$/, '')}-evil, and says which pair to use`, () => {
      expect(refused('BAD_PATTERN', () => { checkPattern(pattern) }).message).to.include(":*'") // prettier-ignore
    })
  for (const pattern of ['', '/a', '../a', 'a/../b'])
    it(`refuses the pattern ${JSON.stringify(pattern)}`, () => {
      refused('BAD_PATTERN', () => { checkPattern(pattern) }) // prettier-ignore
    })
  for (const pattern of ['a/b:*', 'a/b@*', 'a/*', '*', 'a/b:v1*', 'a/*:*', 'file.txt'])
    it(`accepts the pattern ${pattern}`, () => {
      checkPattern(pattern)
    })
})

describe('target paths', () => {
  const hex = 'ab'.repeat(32)
  it('are an OCI repository with a tag or a digest', () => {
    expect(parseTargetPath('wabbit-networks/netmonitor:v1')).to.deep.equal({
      repository: 'wabbit-networks/netmonitor',
      tag: 'v1',
    })
    expect(parseTargetPath(`a/b@sha256:${hex}`)).to.deep.equal({
      repository: 'a/b',
      digest: { algorithm: 'sha256', hex },
    })
    for (const path of [
      'a',
      'A/b:v1',
      'a/b:',
      'a/b@sha256:00',
      `a@sha512:${hex}`,
      'host:5000/a:b:c',
      'a/b:v/1',
    ])
      expect(parseTargetPath(path), path).to.equal(null)
  })
  for (const path of ['', '/etc/passwd', '../x', 'a/../../x', 'a/./b', 'a\\b', 'a\nb', 'a\u0000'])
    it(`refuses the name ${JSON.stringify(path)}`, () => {
      refused('BAD_TARGET_NAME', () => { checkTarget({ path, hashes: new Map([['sha256', hex]]) }) }) // prettier-ignore
    })
  it('refuses a digest entry that is about other bytes', () => {
    const entry = { path: `a/b@sha256:${hex}`, hashes: new Map([['sha256', 'cd'.repeat(32)]]) }
    refused('BAD_TARGET_NAME', () => { checkTarget(entry) }) // prettier-ignore
    refused('BAD_TARGET_NAME', () => { checkTarget({ ...entry, hashes: new Map([['sha512', hex + hex]]) }) }) // prettier-ignore
    checkTarget({ ...entry, hashes: new Map([['sha256', hex]]) })
  })
})
