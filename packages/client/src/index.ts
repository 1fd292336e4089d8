export { ClientError, type ClientCode, type ClientErrorDetail } from './errors.js'
export {
  homeFrom,
  isLocalName,
  repoFolder,
  requireLocalName,
  UNBOUND,
  type Environment,
  type Home,
} from './home.js'
export {
  createOnce,
  exclusively,
  hasCode,
  isTemporary,
  makeFolder,
  readIfThere,
  replaceFile,
} from './durable.js'
export { Document } from './document.js'
export { chooseRegistry, editConfig, readConfig, type Config, type Registry } from './config.js'
export { addRegistry, type RegistryRequest } from './registry-add.js'
export { expand, parseName, resolveName, resolveStored, type Resolved } from './names.js'
export { keepRoot, readChain, readPin, rootVersions, writePin, type Pin } from './root-chain.js'
export { readFloors } from './floor-files.js'
export { type Floors, type Held } from './floors.js'
export { requireClock, resetClock } from './clock-memory.js'
export { Cache } from './cache.js'
export { httpSource, ociUrl, tufUrl, type MetadataSource, type SourceOptions } from './metadata-source.js'
export { placeOf, type Place } from './place.js'
export { firstRootSha256, updateRoot, type UpdatedRoot } from './root-update.js'
export { Session, type SessionOptions } from './session.js'
export { keepProof, keptProof, keptProofs, type KeptProof } from './proofs.js'
export { importRole, originsOf, readOrigin, type ImportedRole, type Origin } from './import-role.js'
export { download, type Downloaded, type DownloadOptions } from './download.js'
export { type WrittenFile } from './output-files.js'
export { openWorkbench, type Workbench, type WorkbenchOptions } from './publish/workbench.js'
export { Keyring } from './publish/keyring.js'
export { Drafts, type Draft, type DraftNote, type VersionRef } from './publish/drafts.js'
export { type Edited, type SignatureState } from './publish/edit.js'
export { repoInit, type InitializedRepo, type NamedKey, type RepoInitRequest } from './publish/repo-init.js'
export { delegate, parseMember, type DelegateRequest, type RoleRequest } from './publish/delegate.js'
export { revoke, type Revoked, type RevokeRequest } from './publish/revoke.js'
export { add, listStored, removeStored, type AddRequest, type StoredArtifact } from './publish/add.js'
export { signArtifact, signDraft, type SignedArtifact, type SignRequest } from './publish/sign.js'
export { upload, type Uploaded, type UploadRequest } from './publish/upload.js'
