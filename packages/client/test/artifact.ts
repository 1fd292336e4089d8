import {
  digestOf,
  emptyBytes,
  emptyDescriptor,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  type Descriptor,
} from '@nv2/oci'
import { held, testSigner } from '@nv2/testkit'
import { jsonObject, type Delegation, type RoleName } from '@nv2/tuf'
import type { Consumer } from './consumer.js'

export const NAME = 'wabbit-networks/netmonitor'

/** An edge for everything of netmonitor. */
export function edge(role: RoleName, key: string): Delegation {
  return {
    name: role,
    paths: { kind: 'paths', patterns: [`${NAME}:*`, `${NAME}@*`] },
    terminating: false,
    votes: [{ role, keys: held(1, testSigner(key)) }],
    minAgreement: 1,
    multi: false,
  }
}

function serve(c: Consumer, bytes: Uint8Array, mediaType: string): Descriptor {
  const digest = digestOf(bytes)
  c.content.set(digest, { bytes, mediaType })
  return { digest, mediaType, size: bytes.length }
}

export function serveImage(c: Consumer, layer = 'layer'): Descriptor {
  const config = serve(c, Buffer.from('{"architecture":"amd64","os":"linux"}'), mediaTypes.config)
  const layers = [serve(c, Buffer.from(layer), mediaTypes.layer)]
  return serve(c, encodeManifest({ config, layers }), mediaTypes.manifest)
}

/** An artifact of one file that its publisher titled so. */
export function serveFile(c: Consumer, title: string, content: string): Descriptor {
  serve(c, emptyBytes, mediaTypes.empty)
  const layer = {
    ...serve(c, Buffer.from(content), 'application/octet-stream'),
    annotations: new Map([['org.opencontainers.image.title', title]]),
  }
  const artifactType = 'application/vnd.nv2.source.v1'
  const manifest = serve(
    c,
    encodeManifest({ artifactType, config: emptyDescriptor, layers: [layer] }),
    mediaTypes.manifest,
  )
  return { ...manifest, artifactType }
}

export function serveIndex(c: Consumer, ...manifests: Descriptor[]): Descriptor {
  return serve(c, encodeIndex({ manifests }), mediaTypes.index)
}

/** Wabbit's role lists this by tag and digest; published, reachable from the root over two edges. */
export async function publishSigned(c: Consumer, top: Descriptor): Promise<void> {
  const { simulator } = c
  simulator.signers.set('wabbit-networks', [testSigner('wabbit')])
  simulator.signers.set(NAME, [testSigner('netmonitor')])
  simulator.delegate('targets', edge('wabbit-networks', 'wabbit'))
  simulator.delegate('wabbit-networks', edge(NAME, 'netmonitor'))
  const bytes = c.content.get(top.digest)?.bytes ?? new Uint8Array()
  const custom = jsonObject([['mediaType', top.mediaType]])
  simulator.addTarget(NAME, `${NAME}:latest`, bytes, custom)
  simulator.addTarget(NAME, `${NAME}@${top.digest}`, bytes, custom)
  await simulator.publish()
}
