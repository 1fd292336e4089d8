/** Control characters, and the marks that turn the direction of text round. */
const HARMFUL = /\p{Cc}\[(?:0|1|2|31|32|33)m|(?![\n\t])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Text that cannot act on a terminal. Names and messages come out of metadata that others wrote: an escape sequence in
 * one could rewrite the very line that warns of it. Our own few colours pass.
 */
export function printable(text: string): string {
  return text.replace(HARMFUL, (found) =>
    found.length > 1 && found.startsWith('\x1b') ? found : escaped(found),
  )
}

function escaped(found: string): string {
  return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}${found.slice(1)}`
}
