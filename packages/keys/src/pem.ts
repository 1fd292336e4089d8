import { KeysError } from './errors.js'
import { broken, bytes } from './secretbox.js'

export interface PemBlock {
  readonly type: string
  readonly bytes: Uint8Array
}

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([^-]*)^-----END \1-----[ \t]*\r?$/gm

/**
 * Reads the one PEM block of a key file. Text before and after it is a comment, as in Go and OpenSSL. `EC PARAMETERS`,
 * which OpenSSL writes before a key, is skipped; anything else beside the key is refused: two readers could take two keys.
 * Null when the text holds no PEM at all.
 */
export function readPem(text: string, what: string): PemBlock | null {
  if (!/^-----BEGIN /m.test(text)) return null
  if (/^Proc-Type:/m.test(text))
    throw new KeysError(
      'KEY_UNSUPPORTED',
      `${what} is encrypted in OpenSSL's old way; \`openssl pkey\` writes it plain, then import that`,
    )
  const blocks = [...text.matchAll(BLOCK)].filter(([, type]) => type !== 'EC PARAMETERS')
  const begun = [...text.matchAll(/^-----BEGIN (?!EC PARAMETERS)/gm)].length
  const [first] = blocks
  if (!first || begun !== blocks.length) throw broken(what, 'a BEGIN line has no END line')
  if (blocks.length > 1) throw broken(what, `it holds ${blocks.length} PEM blocks and must hold one`)
  const [, type = '', body = ''] = first
  const content = bytes(body.replace(/\s+/g, ''))
  if (!content || content.length === 0)
    throw broken(what, `the text between BEGIN ${type} and END is not base64`)
  return { type, bytes: content }
}

/** Writes a block as Go does: 64 characters a line. */
export function writePem(type: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`
}
