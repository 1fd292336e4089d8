import { canonical } from './canonical.js'
import { parseDelegations, parseKeys, parseRoleKeys } from './delegations.js'
import { TufError } from './errors.js'
import { parseJson, type Json, type JsonObject } from './json.js'
import { Shape } from './shape.js'
import { checkTarget } from './target-path.js'
import type {
  Envelope,
  MetaFile,
  RoleName,
  Root,
  Signature,
  Signed,
  SignedTypes,
  Snapshot,
  Target,
  Targets,
  Timestamp,
  TopLevelRole,
} from './types.js'

/** Byte limits before anything is parsed. Snapshot and targets are further bound by the length that their parent states. */
export const MAX_BYTES: Readonly<Record<TopLevelRole, number>> = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 64 * 1024 * 1024,
  targets: 64 * 1024 * 1024,
}

/** More signatures than any ceremony has; a million of them is an attack (CVE-2020-6173). */
const MAX_SIGNATURES = 1024

export interface ParseOptions {
  /** Whose metadata this is, for messages; the type's own name by default. */
  readonly role?: RoleName
  readonly maxBytes?: number
}

/**
 * The only way from bytes to types (design 4). Nothing is believed yet: signatures, version and expiry are the caller's.
 * Throws TufError METADATA_* or BAD_TARGET_NAME and nothing else.
 */
export function parse<K extends TopLevelRole>(
  type: K,
  bytes: Uint8Array,
  options: ParseOptions = {},
): Envelope<SignedTypes[K]> {
  const role = options.role ?? type
  const shape = new Shape(role)
  const tree = parseJson(bytes, role, { bytes: options.maxBytes ?? MAX_BYTES[type], depth: 32 })
  const document = shape.object(tree, 'the document')
  const signed = shape.object(document.get('signed'), 'signed')
  const stated = shape.text(signed.get('_type'), '_type')
  if (stated !== type)
    throw new TufError(
      'METADATA_WRONG_TYPE',
      `${role} should be ${type} metadata and says that it is ${stated.slice(0, 40)}`,
      { role },
    )
  if (!/^1(?:\.\d+){1,2}$/.test(shape.text(signed.get('spec_version'), 'spec_version')))
    shape.refuse('spec_version', 'is not of version 1 of the specification')
  const signatures = parseSignatures(document.get('signatures'), shape)
  const body = readers[type](signed, shape) as SignedTypes[K]
  return { bytes, payload: canonical(signed), signed: body, tree: signed, signatures }
}

function parseSignatures(value: Json | undefined, shape: Shape): Signature[] {
  const items = shape.array(value, 'signatures')
  if (items.length > MAX_SIGNATURES)
    shape.refuse('signatures', `are ${items.length}; the limit is ${MAX_SIGNATURES}`)
  const signatures = items.map((item, i) => {
    const object = shape.object(item, `signatures[${i}]`)
    return {
      keyid: shape.text(object.get('keyid'), `signatures[${i}].keyid`),
      sig: shape.text(object.get('sig'), `signatures[${i}].sig`),
    }
  })
  shape.distinct(
    signatures.map((s) => s.keyid),
    'signatures',
  )
  return signatures
}

const readers: Readonly<Record<TopLevelRole, (signed: JsonObject, shape: Shape) => Signed>> = {
  root(signed, shape): Root {
    const keys = parseKeys(signed.get('keys'), 'keys', shape)
    const roles = shape.object(signed.get('roles'), 'roles')
    const role = (name: TopLevelRole) =>
      parseRoleKeys(shape.object(roles.get(name), `roles.${name}`), keys, `roles.${name}`, shape)
    const consistent = signed.get('consistent_snapshot')
    return {
      type: 'root',
      ...head(signed, shape),
      consistentSnapshot: consistent === undefined ? false : shape.flag(consistent, 'consistent_snapshot'),
      roles: {
        root: role('root'),
        timestamp: role('timestamp'),
        snapshot: role('snapshot'),
        targets: role('targets'),
      },
    }
  },
  timestamp(signed, shape): Timestamp {
    const meta = shape.object(signed.get('meta'), 'meta')
    if (meta.size !== 1) shape.refuse('meta', 'does not list snapshot.json alone')
    return {
      type: 'timestamp',
      ...head(signed, shape),
      snapshot: metaFile(meta.get('snapshot.json'), 'meta.snapshot.json', shape),
    }
  },
  snapshot(signed, shape): Snapshot {
    const meta = new Map<RoleName, MetaFile>()
    for (const [file, value] of shape.object(signed.get('meta'), 'meta')) {
      if (!file.endsWith('.json')) shape.refuse(`meta.${file}`, 'does not end in .json')
      meta.set(file.slice(0, -5), metaFile(value, `meta.${file}`, shape))
    }
    return { type: 'snapshot', ...head(signed, shape), meta }
  },
  targets(signed, shape): Targets {
    const targets = new Map<string, Target>()
    for (const [path, value] of shape.object(signed.get('targets'), 'targets')) {
      const where = `targets.${path}`
      const object = shape.object(value, where)
      const custom = object.get('custom')
      const target: Target = {
        path,
        length: shape.integer(object.get('length'), `${where}.length`, 0),
        hashes: shape.hashes(object.get('hashes'), `${where}.hashes`),
        custom: custom === undefined ? undefined : shape.object(custom, `${where}.custom`),
      }
      checkTarget(target)
      targets.set(path, target)
    }
    return { type: 'targets', ...head(signed, shape), targets, ...parseDelegations(signed, shape) }
  },
}

function head(signed: JsonObject, shape: Shape): { version: number; expires: Date } {
  return {
    version: shape.integer(signed.get('version'), 'version', 1),
    expires: shape.date(signed.get('expires'), 'expires'),
  }
}

function metaFile(value: Json | undefined, where: string, shape: Shape): MetaFile {
  const object = shape.object(value, where)
  const length = object.get('length')
  const hashes = object.get('hashes')
  return {
    version: shape.integer(object.get('version'), `${where}.version`, 1),
    ...(length === undefined ? {} : { length: shape.integer(length, `${where}.length`, 1) }),
    ...(hashes === undefined ? {} : { hashes: shape.hashes(hashes, `${where}.hashes`) }),
  }
}
