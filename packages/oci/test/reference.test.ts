import { expect } from 'chai'
import fc from 'fast-check'
import { formatReference, isRepositoryName, isTag, parseAddress, parseReference } from '../src/index.js'
import { codeOf } from './fixture.js'

const D = 'sha256:' + 'a'.repeat(64)

describe('references', () => {
  const good: [string, object][] = [
    ['netmonitor', { repository: 'netmonitor' }],
    ['netmonitor:v1', { repository: 'netmonitor', tag: 'v1' }],
    ['wabbit-networks/netmonitor:v1', { repository: 'wabbit-networks/netmonitor', tag: 'v1' }],
    ['localhost:5000/a/b', { host: 'localhost:5000', repository: 'a/b' }],
    ['127.0.0.1:5000/a:V_1.2-x', { host: '127.0.0.1:5000', repository: 'a', tag: 'V_1.2-x' }],
    ['[::1]:5000/a', { host: '[::1]:5000', repository: 'a' }],
    ['registry.example.com/a__b/c--d.e', { host: 'registry.example.com', repository: 'a__b/c--d.e' }],
    [`a/b:t@${D}`, { repository: 'a/b', tag: 't', digest: D }],
    [`a/b@${D}`, { repository: 'a/b', digest: D }],
    ['localhost:5000', { repository: 'localhost', tag: '5000' }],
  ]
  for (const [text, parsed] of good) {
    it(`reads ${text}`, () => {
      expect(parseReference(text)).to.deep.equal(parsed)
      expect(formatReference(parseReference(text))).to.equal(text)
    })
  }

  const hostile = [
    '',
    ':v1',
    '@' + D,
    'a/',
    '/a',
    'a//b',
    'a/../b',
    'a/./b',
    'A/b',
    'a___b',
    '-a',
    'a-',
    'a:',
    'a:.x',
    `a:${'x'.repeat(129)}`,
    'a@sha256:abc',
    `a@sha256:${'A'.repeat(64)}`,
    `a@md5:${'a'.repeat(32)}`,
    'a b',
    'a\nb',
    'a\0',
    'https://host/a',
    'user:secret@host.example/a',
    'host.example:99999/a',
    'host.example:/a',
    'ho_st.example/a',
    'a/%2e%2e/b',
    'x'.repeat(256),
    'netmonitör',
  ]
  for (const text of hostile) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(codeOf(() => parseReference(text))).to.equal('REFERENCE_INVALID')
    })
  }

  it('never repeats a password', () => {
    for (const text of ['user:secret@host.example/a', 'http://u:secret@h/a']) {
      expect(() => parseAddress(text))
        .to.throw()
        .with.property('message')
        .that.does.not.contain('secret')
    }
    expect(() => parseReference('user:secret@host.example/a'))
      .to.throw()
      .with.property('message')
      .that.does.not.contain('secret')
  })

  it('writes every reference that it reads exactly as it was', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          expect(formatReference(parseReference(text))).to.equal(text)
        } catch (error) {
          expect(error).to.have.property('code', 'REFERENCE_INVALID')
        }
      }),
    )
  })

  it('bounds names and tags', () => {
    expect(isRepositoryName('a'.repeat(255))).to.equal(true)
    expect(isRepositoryName('a'.repeat(256))).to.equal(false)
    expect(isTag('_' + 'x'.repeat(127))).to.equal(true)
    expect(isTag('-x')).to.equal(false)
  })
})

describe('addresses of registries', () => {
  const rows: [string, boolean, string][] = [
    ['127.0.0.1:5000', false, 'http://127.0.0.1:5000'],
    ['localhost', false, 'http://localhost'],
    ['[::1]:80', false, 'http://[::1]'],
    ['registry.example.com', false, 'https://registry.example.com'],
    ['registry.example.com', true, 'http://registry.example.com'],
    ['https://registry.example.com:444/', false, 'https://registry.example.com:444'],
    ['https://127.0.0.1:5000', false, 'https://127.0.0.1:5000'],
  ]
  for (const [text, plain, origin] of rows) {
    it(`${text}${plain ? ' (plain allowed)' : ''} is ${origin}`, () => {
      expect(parseAddress(text, plain).origin).to.equal(origin)
    })
  }

  it('does not speak plain HTTP to other machines', () => {
    for (const text of ['http://registry.example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.1']) {
      expect(codeOf(() => parseAddress(text))).to.equal('INSECURE_TRANSPORT')
    }
  })

  it('refuses paths, other schemes and logins', () => {
    for (const text of ['host/path', 'ftp://host', 'http://u@127.0.0.1', 'host?x', '']) {
      expect(codeOf(() => parseAddress(text))).to.equal('REFERENCE_INVALID')
    }
  })
})
