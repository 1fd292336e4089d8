// Makes the keys of the development repositories, the same bytes each time, out of the seed text below.
//
//   node repo-keys/generate.mjs            writes the files beside this script
//   node repo-keys/generate.mjs FOLDER     writes them into FOLDER, for a comparison
//
// Anybody can make these keys. They are for tests, the demo and fixtures; whoever trusts one trusts everybody.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fromSeed, seedBytes } from '@nv2/keys'

const SEED = 'nv2 development repositories, 2026: not secret'
const PASSPHRASE = 'not secret'
const MARK = 'not secret: a development key of nv2, made from a published seed; see repo-keys/README.md\n'

// One folder for each who holds keys, so that each can be a home's keys folder or the --keys of a service.
const HOLDERS = {
  'public-operator': ['public-root-1', 'public-root-2', 'public-root-3', 'public-targets'],
  'public-online': ['public-snapshot', 'public-timestamp'],
  wabbit: ['wabbit-targets', 'wabbit-networks-key', 'wabbit-dev', 'wabbit-security'],
  acme: ['acme-rockets-root', 'acme-rockets-targets', 'acme-rockets-key'],
  'acme-online': ['acme-rockets-online'],
}

const folder = resolve(process.argv[2] ?? import.meta.dirname)
for (const [holder, names] of Object.entries(HOLDERS)) {
  for (const name of names) {
    const key = fromSeed(seedBytes(SEED, `key ${name}`))
    // A fixed salt and nonce would be a fault in a key that is secret; here they keep the file the same.
    const file = await key.encrypt(PASSPHRASE, {
      cost: 15,
      salt: seedBytes(SEED, `salt ${name}`),
      nonce: seedBytes(SEED, `nonce ${name}`).subarray(0, 24),
    })
    const path = join(folder, holder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.key`, MARK + file)
    writeFileSync(`${path}.pub`, MARK + key.publicPem)
  }
}
