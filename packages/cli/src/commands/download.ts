import { download, type Downloaded } from '@nv2/client'
import type { Descriptor } from '@nv2/oci'
import type { Context, Run } from '../context.js'
import { usage } from '../errors.js'

export const run: Run<{
  readonly registry?: string
  readonly output?: string
  readonly platform?: string
}> = async (context, [name = ''], { registry, output, platform }) => {
  if (platform !== undefined) throw usage('--platform is not there yet: download fetches all platforms')
  let bytes = 0
  const result = await download(context.home, name, {
    now: context.clock(),
    signal: context.interrupted(),
    ...(registry !== undefined && { registry }),
    ...(output !== undefined && { output }),
    onProgress: (event) => {
      if (event.kind !== 'bytes') return
      bytes += event.bytes
      context.out.progress(`${name}: ${(bytes / 1e6).toFixed(1)} MB`)
    },
  })
  context.out.result(json(result), text(result, context))
}

function json({ resolved, descriptor, children, proof, trail, written }: Downloaded): unknown {
  return {
    name: resolved.path,
    registry: resolved.registry.name,
    ...brief(descriptor),
    children: children.map(brief),
    signedBy: proof.map(({ role, delegator, envelope, signedBy }) => ({
      role,
      delegator,
      version: envelope.signed.version,
      expires: envelope.signed.expires.toISOString(),
      keys: signedBy,
    })),
    trail,
    written,
  }
}

function brief({ mediaType, artifactType, digest, size }: Descriptor): Record<string, unknown> {
  return { mediaType, artifactType, digest, size }
}

function text({ resolved, descriptor, children, proof, written }: Downloaded, { out }: Context): string {
  const roles = proof
    .filter(({ role }) => role !== 'targets')
    .map(({ role, envelope }) => `${role} v${envelope.signed.version}`)
  return [
    `${out.style('green', 'verified')} ${resolved.path} from ${resolved.registry.name}`,
    `  digest     ${descriptor.digest}`,
    `  signed by  ${roles.length > 0 ? roles.join(', ') : 'targets'}`,
    ...children.map((child) => `  holds      ${child.digest}  ${child.artifactType ?? child.mediaType}`),
    ...written.map((file) => `  wrote      ${file.path}  ${file.digest}`),
  ].join('\n')
}
