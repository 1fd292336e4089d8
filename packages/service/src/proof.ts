import { canonical, isArray, isObject, jsonObject, parseJson, type Json, type RoleName } from '@nv2/tuf'
import { ServiceError } from './errors.js'

/** Who may upload with a bearer token. The token itself is not kept, only its sha256. */
export interface TokenRight {
  readonly sha256: string
  readonly repository: string
  /** A role's name; `NAME/*` for every role below NAME; `*` for every role, root and targets too. */
  readonly roles: readonly string[]
}

/** What came with an upload to show the right to make it (protocol P5). */
export interface Proof {
  readonly token?: string
  readonly signed?: SignedProof
}

export interface SignedProof {
  readonly expires: string
  readonly proofs: readonly { readonly role: string; readonly keyid: string; readonly sig: string }[]
}

/** What a key signs to show its right to upload one role of a set. */
export function proofPayload(
  firstRoot: string,
  role: RoleName,
  version: number,
  body: string,
  expires: string,
): Uint8Array {
  return canonical(
    jsonObject([
      ['_type', 'nv2-upload'],
      ['repository', firstRoot],
      ['role', role],
      ['version', version],
      ['body', body],
      ['expires', expires],
    ]),
  )
}

/** Reads the tokens file. Throws ServiceError BAD_REQUEST. */
export function parseTokens(text: string | Uint8Array): TokenRight[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const tree = parseJson(bytes, 'the tokens file')
  const items = isObject(tree) ? tree.get('tokens') : undefined
  if (items === undefined || !isArray(items)) throw bad('the tokens file has no list "tokens"')
  return items.map((item, i) => {
    const sha256 = isObject(item) ? item.get('sha256') : undefined
    const repository = isObject(item) ? item.get('repository') : undefined
    const roles = isObject(item) ? item.get('roles') : undefined
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
      throw bad(`tokens[${i}].sha256 is not a sha256 in hex`)
    if (typeof repository !== 'string') throw bad(`tokens[${i}].repository is not a name`)
    if (roles === undefined || !isArray(roles) || !roles.every((role) => typeof role === 'string'))
      throw bad(`tokens[${i}].roles is not a list of role names`)
    return { sha256, repository, roles }
  })
}

/** Reads the headers that show a right. Throws ServiceError BAD_REQUEST. */
export function parseProof(authorization: string | undefined, signature: string | undefined): Proof {
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1]
  if (authorization !== undefined && token === undefined)
    throw bad('the Authorization header is not "Bearer TOKEN"')
  if (token !== undefined) return { token }
  if (signature === undefined) return {}
  const wrong = 'the NV2-Signature header is not the base64 of {"expires", "proofs"}'
  let tree: Json
  try {
    tree = parseJson(Buffer.from(signature, 'base64'), 'the NV2-Signature header', {
      bytes: 65_536,
      depth: 4,
    })
  } catch (cause) {
    throw bad(wrong, cause)
  }
  const expires = isObject(tree) ? tree.get('expires') : undefined
  const proofs = isObject(tree) ? tree.get('proofs') : undefined
  if (typeof expires !== 'string' || proofs === undefined || !isArray(proofs)) throw bad(wrong)
  return {
    signed: {
      expires,
      proofs: proofs.map((item) => {
        const [role, keyid, sig] = isObject(item)
          ? [item.get('role'), item.get('keyid'), item.get('sig')]
          : []
        if (typeof role !== 'string' || typeof keyid !== 'string' || typeof sig !== 'string') throw bad(wrong)
        return { role, keyid, sig }
      }),
    },
  }
}

function bad(message: string, cause?: unknown): ServiceError {
  return new ServiceError('BAD_REQUEST', message, { cause })
}
