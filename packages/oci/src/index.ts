export { OciError, type OciCode } from './errors.js'
export { type Algorithm, type Digest, digestOf, isDigest, parseDigest } from './digest.js'
export {
  type Reference,
  formatReference,
  isHost,
  isRepositoryName,
  isTag,
  parseReference,
} from './reference.js'
export {
  type Descriptor,
  type Platform,
  annotationsJson,
  descriptorJson,
  emptyBytes,
  emptyDescriptor,
  isIndexType,
  isManifestType,
  isMediaType,
  isNonDistributable,
  mediaTypes,
} from './descriptor.js'
export {
  type ImageIndex,
  type ImageManifest,
  type IndexParts,
  type Manifest,
  type ManifestParts,
  MAX_MANIFEST_BYTES,
  childrenOf,
  encodeIndex,
  encodeManifest,
  parseManifest,
} from './manifest.js'
export { type Body, type ContentReader, type ContentStore, type Tags } from './content.js'
export { VerifiedStream, readAll, readManifest, verified } from './verified-stream.js'
export { type LayoutEntry } from './layout-index.js'
export { ImageLayout, createLayout, openLayout } from './layout.js'
export { type CopyEvent, type CopyOptions, copyGraph } from './copy.js'
export { type RegistryAddress, isLoopback, parseAddress } from './address.js'
export {
  type Authorizer,
  type FetchedManifest,
  type RegistryOptions,
  RegistryClient,
} from './registry-client.js'
export {
  linkInto,
  makeFolder,
  moveInto,
  storageError,
  sweepTemporary,
  syncFolder,
  writeTemporary,
} from './durable-file.js'
export { type TarLimits, readLayoutTar } from './layout-tar.js'
export { FileWriter } from './file-writer.js'
