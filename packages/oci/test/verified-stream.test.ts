import { expect } from 'chai'
import fc from 'fast-check'
import { digestOf, readAll, verified } from '../src/index.js'
import { codeOfAsync, describeBytes, drain, text } from './fixture.js'

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield text(part)
}

describe('verified streams', () => {
  const d = describeBytes(text('hello world'))

  it('pass on what is right, with sha512 too, and empty content', async () => {
    expect(await drain(verified(d, chunks('hello', '', ' world')))).to.equal(11)
    const long = { ...d, digest: digestOf(text('hello world'), 'sha512') }
    expect(await drain(verified(long, chunks('hello world')))).to.equal(11)
    expect(await drain(verified(describeBytes(text('')), chunks()))).to.equal(0)
  })

  const attacks: [string, string[], string][] = [
    ['other bytes', ['hello', ' wOrld'], 'DIGEST_MISMATCH'],
    ['too few', ['hello'], 'SIZE_MISMATCH'],
    ['none', [], 'SIZE_MISMATCH'],
    ['one too many', ['hello world', '!'], 'SIZE_MISMATCH'],
    ['too many in one chunk', ['hello world!'], 'SIZE_MISMATCH'],
  ]
  for (const [name, parts, code] of attacks) {
    it(`refuse ${name}, and never hand out the whole`, async () => {
      let seen = 0
      const work = (async (): Promise<void> => {
        for await (const chunk of verified(d, chunks(...parts))) seen += chunk.length
      })()
      expect(await codeOfAsync(work)).to.equal(code)
      expect(seen).to.be.lessThan(d.size)
    })
  }

  it('stop an endless source at once', async () => {
    let asked = 0
    const endless = (async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked += 1
        yield text('hello ')
      }
    })()
    expect(await codeOfAsync(drain(verified(d, endless)))).to.equal('SIZE_MISMATCH')
    expect(asked).to.equal(2)
  })

  it('notice any altered bit, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.nat(7),
        fc.integer({ min: 1, max: 50 }),
        async (bytes, at, bit, step) => {
          const altered = Uint8Array.from(bytes)
          altered[at % bytes.length]! ^= 1 << bit
          const cut = async function* (): AsyncGenerator<Uint8Array> {
            for (let i = 0; i < altered.length; i += step) yield altered.subarray(i, i + step)
          }
          expect(await codeOfAsync(drain(verified(describeBytes(bytes), cut())))).to.equal('DIGEST_MISMATCH')
        },
      ),
      { numRuns: 50 },
    )
  })

  it('are not read into memory beyond the limit', async () => {
    const reader = { exists: async () => true, open: () => chunks('hello world') }
    expect(await codeOfAsync(readAll(reader, d, 10))).to.equal('TOO_LARGE')
    expect(await readAll(reader, d, 11)).to.deep.equal(Buffer.from('hello world'))
  })
})
