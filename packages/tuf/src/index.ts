export * from './errors.js'
export * from './types.js'
export { JSON_LIMITS, jsonObject, parseJson, type Json, type JsonLimits, type JsonObject } from './json.js'
export { byCodePoint, canonical, encodeJson, isArray, isObject } from './canonical.js'
export {
  keyObjectOf,
  publicKey,
  publicKeyOf,
  verifySignature,
  type PublicKey,
  type Scheme,
  type Signer,
} from './keys.js'
export { checkPattern, matchPaths, matchPattern } from './glob.js'
export { checkTarget, parseTargetPath, type TargetPath } from './target-path.js'
export { countSignatures, requireThreshold, type SignedBytes, type Verdict } from './verify.js'
export { sameKeys } from './delegations.js'
export { MAX_BYTES, parse, type ParseOptions } from './parse.js'
export * from './trusted.js'
export { decodeRole, delegationsFor, edgesTo, encodeRole, fileName, type Edge } from './edges.js'
export { agree, search, SEARCH_BUDGET, type Found, type ProvenRole, type RoleRequest } from './search.js'
export {
  admit,
  type Admission,
  type AdmitOptions,
  type OwningEdge,
  type RepositoryView,
} from './admission.js'
export * from './compose.js'
export { checkDelegation, checkRoleName, namesAbove } from './delegation-rules.js'
