import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalize } from '@tufjs/canonical-json'
import { canonical, encodeJson, parseJson, TufError, type Json, type TufCode } from '../src/index.js'
import { refused } from './expect.js'

const bytes = (text: string) => Buffer.from(text, 'utf8')
const plain = (value: Json): unknown =>
  value instanceof Map
    ? Object.fromEntries([...value].map(([name, item]) => [name, plain(item as Json)]))
    : Array.isArray(value)
      ? value.map((item: Json) => plain(item))
      : value

describe('strict JSON', () => {
  const broken: [string, string | Uint8Array, TufCode][] = [
    ['a member twice', '{"a":1,"a":2}', 'METADATA_DUPLICATE_MEMBER'],
    ['a member twice, once escaped', '{"a":1,"\\u0061":2}', 'METADATA_DUPLICATE_MEMBER'],
    [
      'a member twice in an inner object',
      '{"x":[{"__proto__":1,"__proto__":1}]}',
      'METADATA_DUPLICATE_MEMBER',
    ],
    ['a fraction', '{"a":1.5}', 'METADATA_INVALID'],
    ['1.0, which loses its spelling', '{"a":1.0}', 'METADATA_INVALID'],
    ['an exponent', '{"a":1e2}', 'METADATA_INVALID'],
    ['minus zero', '{"a":-0}', 'METADATA_INVALID'],
    ['2^53', '{"a":9007199254740992}', 'METADATA_INVALID'],
    ['1e400', '{"a":1e400}', 'METADATA_INVALID'],
    ['a leading zero', '{"a":01}', 'METADATA_NOT_JSON'],
    ['a lone high surrogate', '{"a":"\\ud800"}', 'METADATA_INVALID'],
    ['a lone low surrogate', '{"a":"x\\udfff"}', 'METADATA_INVALID'],
    ['a name that is not NFC', '{"e\u0301":1}', 'METADATA_INVALID'],
    ['a BOM', '\ufeff{}', 'METADATA_NOT_JSON'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'METADATA_NOT_JSON'],
    ['text after the document', '{} {}', 'METADATA_NOT_JSON'],
    ['an end too early', '{"a":', 'METADATA_NOT_JSON'],
    ['a raw newline in a string', '"a\nb"', 'METADATA_NOT_JSON'],
    ['a bad escape', '"\\x41"', 'METADATA_NOT_JSON'],
    ['a string without end', '"abc\\', 'METADATA_NOT_JSON'],
    ['a trailing comma', '[1,]', 'METADATA_NOT_JSON'],
    ['undefined', 'undefined', 'METADATA_NOT_JSON'],
    ['nothing', '', 'METADATA_NOT_JSON'],
    ['too deep', '['.repeat(33) + ']'.repeat(33), 'METADATA_INVALID'],
    ['a tower of a million brackets', '['.repeat(1_000_000), 'METADATA_INVALID'],
  ]
  for (const [name, text, code] of broken)
    it(`refuses ${name}`, () => {
      refused(code, () => parseJson(typeof text === 'string' ? bytes(text) : text, 'it'))
    })

  it('refuses more bytes than the limit before it looks at them', () => {
    refused('METADATA_TOO_LARGE', () => parseJson(bytes('[1,2,3]'), 'it', { bytes: 6, depth: 9 }))
  })

  it('keeps names of the prototype as plain names', () => {
    const value = parseJson(bytes('{"__proto__":1,"constructor":2,"toString":3}'), 'it') as Map<string, Json>
    expect([...value]).to.deep.equal([['__proto__', 1], ['constructor', 2], ['toString', 3]]) // prettier-ignore
  })

  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        let value: Json
        try {
          value = parseJson(bytes(text), 'it')
        } catch (error) {
          expect(error).to.be.instanceOf(TufError)
          return
        }
        expect(plain(value)).to.deep.equal(JSON.parse(text))
      }),
    )
  })

  it('throws TufError and nothing else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.string().map(bytes)), (input) => {
        try {
          parseJson(input, 'it')
        } catch (error) {
          expect(error).to.be.instanceOf(TufError)
        }
      }),
    )
  })
})

describe('canonical form', () => {
  it('is OLPC: sorted, no space, only quote and backslash escaped', () => {
    const value = parseJson(bytes('{"b":[true,null,-1],"a":"\\"\\\\\\n\\u0000é"}'), 'it')
    expect(Buffer.from(canonical(value)).toString()).to.equal('{"a":"\\"\\\\\n\u0000é","b":[true,null,-1]}')
  })

  it('sorts by code point, as python and Go do, not by UTF-16 unit', () => {
    const value = parseJson(bytes('{"\u{1F600}":1,"\uffee":2,"\ud7ff":3}'), 'it')
    expect([...Buffer.from(canonical(value)).toString()].filter((c) => c > '\u00ff')).to.deep.equal([
      '\ud7ff',
      '\uffee',
      '\u{1F600}',
    ])
  })

  it('equals @tufjs/canonical-json wherever the two orders agree', () => {
    const name = fc
      .string()
      .filter((s) => s.normalize('NFC') === s && !/[\ud800-\udfff]/.test(s) && s !== '__proto__')
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        name,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(value, (tree) => {
        const ours = canonical(parseJson(bytes(JSON.stringify(tree)), 'it'))
        // -0 has no JSON spelling of its own, so both sides get the tree that JSON carries.
        expect(Buffer.from(ours).toString()).to.equal(canonicalize(JSON.parse(JSON.stringify(tree))))
      }),
    )
  })

  it('is what our files hold, but for control characters, which files escape', () => {
    const value = parseJson(bytes('{"b":"x\\u0001","a":1}'), 'it')
    expect(Buffer.from(encodeJson(value)).toString()).to.equal('{"a":1,"b":"x\\u0001"}')
    expect(canonical(parseJson(encodeJson(value), 'it'))).to.deep.equal(canonical(value))
  })
})
