import { type RegistryAddress, parseAddress } from './address.js'
import type { Body, ContentStore, Tags } from './content.js'
import { type Descriptor, isManifestType, mediaTypes } from './descriptor.js'
import { digestOf, isDigest, parseDigest } from './digest.js'
import { OciError, printable } from './errors.js'
import { MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest.js'
import { isRepositoryName, isTag } from './reference.js'
import { refusal } from './registry-errors.js'
import { type Request, type Response, resolveLocation, send } from './transport.js'
import { contentType, requireType } from './content-type.js'
import { collect, readAll, verified } from './verified-stream.js'

/** Gives the Authorization header for a request; asked again with the server's challenge after a 401. */
export interface Authorizer {
  authorize(request: {
    readonly host: string
    readonly repository: string
    readonly push: boolean
    readonly challenge?: string
  }): Promise<string | undefined>
}

export interface RegistryOptions {
  /** `host[:port]` or `http(s)://host[:port]` */
  readonly registry: string
  readonly repository: string
  /** Plain HTTP for a host that is not this machine. */
  readonly plainHttp?: boolean
  /** Milliseconds without a byte after which the registry counts as unreachable. */
  readonly idleTimeout?: number
  readonly authorizer?: Authorizer
}

export interface FetchedManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly manifest: Manifest
}

// distribution-spec "Pulling manifests": without the full list some registries answer 404.
const ACCEPT = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(
  ', ',
)

/** One repository of one registry (distribution-spec 1.1). Believes nothing that it did not hash itself. */
export class RegistryClient implements ContentStore, Tags {
  readonly address: RegistryAddress
  readonly repository: string
  readonly #plainHttp: boolean
  readonly #idleTimeout: number
  readonly #authorizer: Authorizer | undefined

  constructor(options: RegistryOptions) {
    this.#plainHttp = options.plainHttp ?? false
    this.address = parseAddress(options.registry, this.#plainHttp)
    if (!isRepositoryName(options.repository)) {
      throw new OciError('REFERENCE_INVALID', `"${printable(options.repository)}" is no name of a repository`)
    }
    this.repository = options.repository
    this.#idleTimeout = options.idleTimeout ?? 60_000
    this.#authorizer = options.authorizer
  }

  async exists(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const url = this.#contentUrl(descriptor)
    const response = await this.#send({ method: 'HEAD', url, headers: { Accept: ACCEPT }, signal })
    if (response.status === 404) {
      response.discard()
      return false
    }
    await this.#require(response, [200], `a look at ${this.#kind(descriptor)} ${descriptor.digest}`)
    const length = response.headers['content-length']
    return length === undefined || Number(length) === descriptor.size
  }

  open(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return verified(descriptor, this.#download(descriptor, signal))
  }

  async *#download(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const url = this.#contentUrl(descriptor)
    const accept = isManifestType(descriptor.mediaType) ? ACCEPT : '*/*'
    const response = await this.#send({ method: 'GET', url, headers: { Accept: accept }, signal })
    await this.#require(
      response,
      [200],
      `the request for ${this.#kind(descriptor)} ${descriptor.digest}`,
      false,
    )
    if (isManifestType(descriptor.mediaType)) requireType(response, descriptor.mediaType)
    yield* response.body
  }

  /** A manifest by its digest, any other content as a blob in one piece: POST for a place, PUT of the bytes. */
  async push(descriptor: Descriptor, body: Body, signal?: AbortSignal): Promise<void> {
    const stream = verified(descriptor, body)
    if (isManifestType(descriptor.mediaType)) {
      if (descriptor.size > MAX_MANIFEST_BYTES) throw tooLarge(descriptor.digest, descriptor.size)
      await this.pushManifest(await collect(stream), descriptor.mediaType, descriptor.digest, signal)
      return
    }
    const opened = await this.#send({ method: 'POST', url: this.#url('blobs/uploads/'), signal })
    await this.#require(opened, [202], 'the start of a blob upload')
    const location = opened.headers.location
    if (location === undefined)
      throw new OciError('REGISTRY_ERROR', `${this.address.host} opened an upload without a Location`)
    const url = resolveLocation(location, opened.url, this.#transport)
    // Appended as text: the query belongs to the registry, and writing it anew could change its escapes.
    url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(descriptor.digest)}`
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(descriptor.size) }
    const done = await this.#send({ method: 'PUT', url, headers, body: stream, signal })
    await this.#require(done, [201], `the upload of blob ${descriptor.digest}`)
    this.#requireDigest(done, descriptor.digest)
  }

  /** Puts exactly these bytes under a tag, or under their digest. */
  async pushManifest(
    bytes: Uint8Array,
    mediaType: string,
    reference: string,
    signal?: AbortSignal,
  ): Promise<Descriptor> {
    parseManifest(bytes, mediaType)
    const digest = isDigest(reference) ? digestOf(bytes, parseDigest(reference).algorithm) : digestOf(bytes)
    if (isDigest(reference) && digest !== reference) {
      throw new OciError('DIGEST_MISMATCH', `The manifest to push as ${reference} is really ${digest}`)
    }
    const url = this.#manifestUrl(reference)
    const response = await this.#send({
      method: 'PUT',
      url,
      headers: { 'Content-Type': mediaType },
      body: bytes,
      signal,
    })
    await this.#require(response, [201], `the upload of manifest ${reference}`)
    this.#requireDigest(response, digest)
    return { mediaType, digest, size: bytes.length }
  }

  /** The manifest of a tag or digest. By tag the answer is only as good as the registry: compare the digest with signed metadata. */
  async fetchManifest(reference: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const url = this.#manifestUrl(reference)
    const response = await this.#send({ method: 'GET', url, headers: { Accept: ACCEPT }, signal })
    await this.#require(response, [200], `the request for manifest ${reference}`, false)
    const mediaType = contentType(response)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += chunk.length
      // Endless data: stop at the limit, whatever Content-Length said.
      if (size > MAX_MANIFEST_BYTES) throw tooLarge(reference, size)
      chunks.push(chunk)
    }
    const bytes = Buffer.concat(chunks)
    const digest = isDigest(reference) ? digestOf(bytes, parseDigest(reference).algorithm) : digestOf(bytes)
    if (isDigest(reference) && digest !== reference) {
      throw new OciError(
        'DIGEST_MISMATCH',
        `The content of ${reference} at ${this.address.host} is really ${digest}; it was altered`,
      )
    }
    this.#requireDigest(response, digest, bytes)
    return { descriptor: { mediaType, digest, size }, bytes, manifest: parseManifest(bytes, mediaType) }
  }

  async resolve(reference: string, signal?: AbortSignal): Promise<Descriptor> {
    return (await this.fetchManifest(reference, signal)).descriptor
  }

  async tag(name: string, descriptor: Descriptor, signal?: AbortSignal): Promise<void> {
    if (!isTag(name)) throw new OciError('REFERENCE_INVALID', `"${printable(name)}" is no tag`)
    const bytes = await readAll(this, descriptor, MAX_MANIFEST_BYTES, signal)
    await this.pushManifest(bytes, descriptor.mediaType, name, signal)
  }

  get #transport(): { plainHttp: boolean; idleTimeout: number } {
    return { plainHttp: this.#plainHttp, idleTimeout: this.#idleTimeout }
  }

  #url(path: string): URL {
    return new URL(`/v2/${this.repository}/${path}`, this.address.origin)
  }

  #manifestUrl(reference: string): URL {
    if (!isTag(reference) && !isDigest(reference)) {
      throw new OciError('REFERENCE_INVALID', `"${printable(reference)}" is neither a tag nor a digest`)
    }
    return this.#url(`manifests/${reference}`)
  }

  #contentUrl(descriptor: Descriptor): URL {
    parseDigest(descriptor.digest)
    return this.#url(`${isManifestType(descriptor.mediaType) ? 'manifests' : 'blobs'}/${descriptor.digest}`)
  }

  #kind(descriptor: Descriptor): string {
    return isManifestType(descriptor.mediaType) ? 'manifest' : 'blob'
  }

  /** Credentials are made for this registry's own origin and for nothing that it points to. */
  async #send(request: Request): Promise<Response> {
    const own = request.url.origin === this.address.origin
    const ask = async (challenge?: string): Promise<Response> => {
      const push = request.method !== 'GET' && request.method !== 'HEAD'
      const about = { host: this.address.host, repository: this.repository, push }
      const value = own
        ? await this.#authorizer?.authorize(challenge === undefined ? about : { ...about, challenge })
        : undefined
      const headers = { ...request.headers, ...(value === undefined ? {} : { Authorization: value }) }
      return send({ ...request, headers }, this.#transport)
    }
    const response = await ask()
    const challenge = response.headers['www-authenticate']
    const replayable = request.body === undefined || request.body instanceof Uint8Array
    const again =
      own && replayable && this.#authorizer !== undefined && response.url.origin === this.address.origin
    if (response.status !== 401 || challenge === undefined || !again) return response
    response.discard()
    return ask(challenge)
  }

  async #require(
    response: Response,
    statuses: readonly number[],
    doing: string,
    discard = true,
  ): Promise<void> {
    if (!statuses.includes(response.status)) throw await refusal(response, doing)
    if (discard) response.discard()
  }

  /** The header is a claim, never the proof; but a registry that contradicts itself is not to be relied on. */
  #requireDigest(response: Response, digest: string, bytes?: Uint8Array): void {
    const claimed = response.headers['docker-content-digest']
    if (claimed === undefined || claimed === digest) return
    const text = Array.isArray(claimed) ? claimed.join() : claimed
    if (isDigest(text) && bytes !== undefined && digestOf(bytes, parseDigest(text).algorithm) === text) return
    throw new OciError('DIGEST_MISMATCH', `${this.address.host} says ${printable(text)} of what is ${digest}`)
  }
}

function tooLarge(what: string, size: number): OciError {
  return new OciError(
    'TOO_LARGE',
    `The manifest ${what} has at least ${String(size)} bytes; the limit is 4 MiB`,
  )
}
